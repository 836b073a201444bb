import { parseAnnotationText, type AnnotationType } from "../../export/annotation-text.ts";
import type { Platform } from "../../oci/platform.ts";
import { EvidenceError } from "../evidence-error.ts";

/** What an annotation of a new index is put on. */
export interface CreateAnnotation {
  readonly place: "index" | "manifest-descriptor";
  /** Normal form; undefined is every platform. */
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
}

/**
 * `type[platform],…:key=value`. Manifests are not annotated: that would change their digests, which their evidence and
 * signatures name. Throws EvidenceError "usage", in buildx's words.
 */
export function parseCreateAnnotation(text: string, host: Platform): readonly CreateAnnotation[] {
  const { types, key, value } = parseAnnotationText(text, host, failed);
  if (types.length === 0) throw unsupported("");
  return types.map(({ type, platform }) => ({ place: placeOf(type), platform, key, value }));
}

function placeOf(type: AnnotationType): CreateAnnotation["place"] {
  if (type === "manifest") throw unsupported(type);
  if (type === "index-descriptor") throw new EvidenceError("usage", `${JSON.stringify(type)} annotations are invalid while creating an image`);
  return type;
}

function failed(why: string): EvidenceError {
  return new EvidenceError("usage", `failed to parse annotations: ${why}`);
}

function unsupported(type: string): EvidenceError {
  return new EvidenceError("usage", `${JSON.stringify(type)} annotations are not supported yet: they would change the manifest's digest, which its evidence names; use index: or manifest-descriptor:`);
}
