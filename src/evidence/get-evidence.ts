import { exactJson, parseExactJson } from "../content/exact-json.ts";
import { isCycloneDx, isProvenance, isSpdx } from "../provenance/predicate-type.ts";
import { choosePlatform, type ChosenPlatform } from "../trace/choose-platform.ts";
import { isObject, textAt } from "../trace/document.ts";
import type { OpenImage } from "../trace/open-image.ts";
import { isAbout, type ReadStatement, type StatementLayer } from "../trace/statement.ts";
import { EvidenceError } from "./evidence-error.ts";

/** Which statement of an image. */
export interface EvidenceQuestion {
  readonly type: "provenance" | "sbom";
  /** May be left out where the image has only one. */
  readonly platform?: string | undefined;
  /** Of an SBOM; may be left out where there is only one. */
  readonly format?: "spdx" | "cyclonedx" | undefined;
  /** Of the layer that holds the statement, where there are several. */
  readonly digest?: string | undefined;
}

export interface FoundEvidence {
  /** `linux/amd64`. */
  readonly platform: string;
  readonly layer: StatementLayer;
  /** The in-toto statement, indented, its numbers as they were written. */
  readonly statement: string;
  /** Its predicate alone: the SPDX or CycloneDX document, or the provenance, as other tools read it. */
  readonly document: string;
}

const KINDS: Readonly<Record<"provenance" | "sbom" | "spdx" | "cyclonedx", { readonly name: string; readonly isMeant: (predicateType: string) => boolean }>> = {
  provenance: { name: "provenance", isMeant: isProvenance },
  sbom: { name: "SBOM", isMeant: (predicateType) => isSpdx(predicateType) || isCycloneDx(predicateType) },
  spdx: { name: "SPDX document", isMeant: isSpdx },
  cyclonedx: { name: "CycloneDX document", isMeant: isCycloneDx },
};

/**
 * The one statement of an image that is asked for, from its index or from what refers to it. Signatures are not checked.
 * Throws EvidenceError: "not-found" where there is none, "usage" where there are several, "verification" where it is about
 * another image; ImageError, RegistryError.
 */
export async function getEvidence(open: OpenImage, question: EvidenceQuestion, signal: AbortSignal): Promise<FoundEvidence> {
  if (question.type === "provenance" && question.format !== undefined) throw new EvidenceError("usage", "a format goes with an SBOM, not with a provenance");
  const chosen = await choosePlatform(open, question.platform, signal);
  const { layer } = await chooseStatement(`${open.fullName} (${chosen.name})`, question, chosen, signal);
  const text = Buffer.from(await chosen.image.statementBytes(layer, signal)).toString("utf8");
  const statement = parseExactJson(text);
  const predicate = isObject(statement) ? statement["predicate"] : undefined;
  // The tag-value form of SPDX is no JSON: it lies there as one text.
  const document = typeof predicate === "string" ? predicate : exactJson(predicate ?? {}, "indented");
  return { platform: chosen.name, layer, statement: exactJson(statement, "indented"), document };
}

async function chooseStatement(what: string, question: EvidenceQuestion, { image }: ChosenPlatform, signal: AbortSignal): Promise<ReadStatement> {
  const { type, format = type, digest } = question;
  const { name, isMeant } = KINDS[format];
  const all = await image.readStatements(isMeant, signal);
  const ours = all.filter(({ statement }) => isAbout(statement, image.descriptor.digest));
  if (ours.length === 0 && all.length > 0) {
    const digests = all.map(({ layer }) => layer.descriptor.digest).join(", ");
    throw new EvidenceError("verification", `${what}: the ${name} there is about another image: the subjects of ${digests} do not include ${image.descriptor.digest}`);
  }
  if (ours.length === 0) throw new EvidenceError("not-found", `${what}: no ${name}, neither in the index nor among what refers to the image`);
  const meant = digest === undefined ? ours : ours.filter(({ layer }) => layer.descriptor.digest === digest);
  const [only, ...others] = meant;
  if (only === undefined) throw new EvidenceError("not-found", `${what}: no ${name} ${digest}; there is ${list(ours)}`);
  if (others.length > 0) throw new EvidenceError("usage", `${what}: several statements of ${name}; choose one with ${type === "sbom" ? "--format or " : ""}--digest: ${list(meant)}`);
  return only;
}

function list(statements: readonly ReadStatement[]): string {
  return statements.map(({ layer, statement }) => {
    const predicate = statement["predicate"];
    const name = isObject(predicate) ? textAt(predicate, "name") : undefined;
    return `${layer.descriptor.digest} (${[layer.predicateType, ...(name === undefined ? [] : [JSON.stringify(name)])].join(" ")})`;
  }).join(", ");
}
