import { collectBytes } from "../../content/bytes.ts";
import type { Digest } from "../../content/digest.ts";
import type { Manifest } from "../../oci/manifest.ts";
import { parseObject } from "../../trace/document.ts";
import { referenceOf } from "../../trace/image-record.ts";
import { statementBytes, STATEMENT_SIZE_BYTES_MAX, subjectDigests, wrapOf } from "../../trace/statement.ts";
import { EvidenceError } from "../evidence-error.ts";
import type { CopiedDocument, CopySet } from "./copy-set.ts";
import { locationText } from "./location.ts";

/**
 * Refuses evidence that is about something else than the manifest it stands for: by the annotation of its entry, its
 * `subject`, or the subjects of its statements. Throws EvidenceError "verification".
 */
export async function checkSubjects({ documents, referrers }: CopySet, signal: AbortSignal): Promise<void> {
  const images = imagesOf({ documents, referrers });
  for (const { value } of documents.values()) {
    if (value.kind !== "index") continue;
    for (const entry of value.index.manifests) {
      const about = referenceOf(entry);
      const document = documents.get(entry.digest);
      if (about === undefined || document?.value.kind !== "manifest") continue;
      if (!images.has(about)) throw refusal(document, `it is about ${about} by its annotation, and no source has that image`);
      await checkDocument(document, document.value.manifest, [about], signal);
    }
  }
  for (const { subject, document } of referrers) {
    if (document.value.kind === "manifest") await checkDocument(document, document.value.manifest, subjectsBelow(subject, documents), signal);
  }
}

function imagesOf({ documents, referrers }: Pick<CopySet, "documents" | "referrers">): ReadonlySet<string> {
  const referring = new Set(referrers.map(({ document }) => document));
  const manifests = [...documents.values()].filter((document) => document.value.kind === "manifest" && !referring.has(document));
  return new Set(manifests.map(({ descriptor }) => descriptor.digest));
}

/** A signature of an attestation may sign its statement, which is about the image. */
function subjectsBelow(subject: Digest, documents: CopySet["documents"]): readonly string[] {
  const value = documents.get(subject)?.value;
  const next = value?.kind === "manifest" ? value.manifest.subject?.digest : undefined;
  return next === undefined ? [subject] : [subject, next];
}

async function checkDocument(document: CopiedDocument, { subject, layers }: Manifest, allowed: readonly string[], signal: AbortSignal): Promise<void> {
  const [stands = ""] = allowed;
  if (subject !== undefined && subject.digest !== stands) throw refusal(document, `it stands for ${stands}, and its subject is ${subject.digest}`);
  for (const layer of layers) {
    const wrap = wrapOf(layer.mediaType);
    if (wrap === undefined) continue;
    const what = `statement ${layer.digest}`;
    if (layer.size > STATEMENT_SIZE_BYTES_MAX) throw new EvidenceError("verification", `${what}: ${layer.size} bytes, more than ${STATEMENT_SIZE_BYTES_MAX}`);
    const bytes = statementBytes(await collectBytes(document.place.source.blob(layer, signal), STATEMENT_SIZE_BYTES_MAX), wrap, what);
    const subjects = bytes === undefined ? [] : subjectDigests(parseObject(bytes, what));
    if (subjects.length > 0 && !subjects.some((digest) => allowed.includes(digest))) {
      throw refusal(document, `it stands for ${stands}, and the subjects of its ${what} are ${subjects.join(", ")}`);
    }
  }
}

function refusal({ descriptor, place }: CopiedDocument, why: string): EvidenceError {
  return new EvidenceError("verification", `attestation ${descriptor.digest} of ${locationText(place.location)} is not what it stands for: ${why}; take it out of the source, or build that anew`);
}
