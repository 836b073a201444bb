import { parseControl } from "../control-fields.ts";

const MACHINE_READABLE = /^Format(?:-Specification)?:\s*\S*copyright-format/im;
const COMMON_LICENSE = /\/usr\/share\/common-licenses\/[A-Za-z0-9][A-Za-z0-9.+-]*[A-Za-z0-9+]/g;

/**
 * What a copyright file declares: of a machine-readable one (copyright-format/1.0) the short names that its paragraphs
 * of files have, which may be joined by `or` and `and`; of any other the texts under /usr/share/common-licenses that it refers to.
 */
export function debianLicenses(text: string): string[] {
  if (!MACHINE_READABLE.test(text)) return [...new Set(text.match(COMMON_LICENSE))].toSorted();
  const files = parseControl(text).filter((fields) => fields.has("files") || fields.has("format"));
  return [...new Set(files.flatMap((fields) => firstLine(fields.get("license"))))].toSorted();
}

function firstLine(license: string | undefined): string[] {
  const line = license?.split("\n")[0]?.trim() ?? "";
  return line === "" ? [] : [line];
}
