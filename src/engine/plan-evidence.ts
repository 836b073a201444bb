import { goBoolean } from "../content/go-boolean.ts";
import { planStore, type Compat } from "../export/compat.ts";
import { evidenceForms, standsInIndex, type EvidenceWishes } from "../export/evidence.ts";
import type { ExportTarget, ImageTarget } from "../export/target.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { BuildRequest } from "./build-request.ts";
import { RequestError } from "./request-error.ts";

/** Where evidence goes, and in which form. Throws RequestError and ExportError ("usage"). */
export function planEvidence({ attestStore, platforms = [], buildArgs = {}, env }: BuildRequest, compat: Compat | undefined, path: (text: string) => string): EvidenceWishes {
  const indexAlways = goBoolean(buildArgs["BUILDKIT_MULTI_PLATFORM"]) === true;
  return { store: planStore({ compat, attestStore, platforms, indexAlways }, path), artifact: !noArtifactByDefault(env) };
}

/** In buildx's words (anchor A46). */
function noArtifactByDefault(env: BuildRequest["env"]): boolean {
  const text = env["BUILDX_NO_DEFAULT_OCI_ARTIFACT"];
  if (text === undefined) return false;
  const value = goBoolean(text);
  if (value === undefined) throw new RequestError("usage", `invalid BUILDX_NO_DEFAULT_OCI_ARTIFACT: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

/** True where statements are made for the target's image. `isIndex`: it is one whatever is said of its provenance. */
export function attestsImage(target: ExportTarget, { provenance, sbom }: Pick<BuildPlan, "provenance" | "sbom">, isIndex: boolean): boolean {
  return "form" in target && (sbom !== undefined || (provenance !== undefined && (!provenance.inlineOnly || attestsInline(target, isIndex))));
}

/** A provenance that is for images only makes no index of an archive's image, unless asked to; it goes into one that there is in any case, as with BuildKit. */
export function attestsInline({ kind, form: { attestInline, mediaTypes, evidence } }: ImageTarget, isIndex: boolean): boolean {
  return attestInline || (isIndex && kind !== "docker-tar" && mediaTypes === "oci" && standsInIndex(evidenceForms(evidence)[0].place));
}
