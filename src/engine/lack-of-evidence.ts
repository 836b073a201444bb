import type { ImageTarget } from "../export/target.ts";
import type { BuildPlan } from "./build-plan.ts";

/** What is said of the provenance; `isMade`: there are statements, which are stored nowhere. */
export interface EvidenceAsked extends Pick<BuildPlan, "provenance" | "provenanceOff"> {
  readonly isMade: boolean;
}

/** Why an image has no evidence, and the flags with which it would have some. */
export function lackOfEvidence(target: ImageTarget, { provenance, provenanceOff, isMade }: EvidenceAsked): string {
  const { store } = target.form.evidence;
  const causes: string[] = [];
  const flags: string[] = [];
  if (!isMade && provenanceOff !== undefined) {
    causes.push(provenanceOff.startsWith("--") ? `${provenanceOff} was given` : `${provenanceOff} is set`);
    flags.push("--provenance=mode=min");
  } else if (!isMade && !(isDockerArchive(target) && provenance?.inlineOnly === true && store.kind !== "file")) {
    causes.push(`${target.kind === "oci-directory" ? "a layout" : "an archive"} gets only what is asked for`);
    flags.push("--provenance=mode=min");
  }
  const elsewhere = placeFor(target, isMade);
  if (store.kind === "none") causes.push("--attest-store=none was given");
  else if (elsewhere !== undefined && causes.length === 0) causes.push(isMade ? "no registry took it" : "a docker archive has no place for it");
  if (elsewhere !== undefined) flags.push(`--attest-store=${elsewhere}`);
  if (flags.length === 0) {
    // Who was to say something, such as a scanner, came to nothing.
    causes.push("nothing was said of it");
    flags.push("--provenance=mode=min");
  }
  const isInstead = causes.some((cause) => cause.endsWith("was given"));
  return `${causes.join(" and ")}: build with ${flags.join(" ")}${isInstead ? " instead" : ""}`;
}

/** Where it could go in place of where it was to go; undefined where that would do. */
function placeFor(target: ImageTarget, isMade: boolean): string | undefined {
  const { evidence: { store }, mediaTypes, compat } = target.form;
  if (isDockerArchive(target)) return store.kind === "file" ? undefined : "file:DIRECTORY";
  if (store.kind === "none" || store.kind === "index") {
    // An index of Docker's has no place for it, and for some there may be no index.
    if (mediaTypes === "docker" || compat !== undefined) return "referrers";
    return store.kind === "none" ? "index" : undefined;
  }
  return isMade && store.kind !== "file" ? "file:DIRECTORY" : undefined;
}

function isDockerArchive({ kind }: ImageTarget): boolean {
  return kind === "docker-tar";
}
