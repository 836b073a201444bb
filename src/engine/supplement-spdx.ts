import type { EvidenceTarget } from "./evidence.ts";

interface SpdxFile {
  readonly fileName?: unknown;
  readonly comment?: unknown;
}

interface SpdxDocument {
  readonly files?: unknown;
  readonly creationInfo?: { readonly creators?: unknown };
}

/**
 * A scanner's document with the layer of each file, as BuildKit adds it (anchor B25): a file that has a comment keeps
 * it. What is no SPDX document is left as it is.
 */
export function supplementSpdx(predicate: unknown, { originOf }: Pick<EvidenceTarget, "originOf">, tool: string): unknown {
  // A scanner wrote it; each member is looked at before it is used.
  const document = predicate as SpdxDocument;
  if (!Array.isArray(document.files)) return predicate;
  let placed = 0;
  const files = document.files.map((file: SpdxFile) => {
    if (typeof file !== "object" || file === null || typeof file.fileName !== "string" || (typeof file.comment === "string" && file.comment !== "")) return file;
    const { layer } = originOf(file.fileName.replace(/^(?:\.?\/)+/, ""));
    if (layer === undefined) return file;
    placed += 1;
    return { ...file, comment: `layerID: ${layer}` };
  });
  if (placed === 0) return predicate;
  const creators: unknown[] = Array.isArray(document.creationInfo?.creators) ? document.creationInfo.creators : [];
  return { ...document, creationInfo: { ...document.creationInfo, creators: [...creators, `Tool: ${tool}`] }, files };
}
