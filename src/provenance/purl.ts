import { familiarName, parseReference, tagNameOnly } from "../oci/reference.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../oci/platform.ts";

/** The package URL of an image (anchor b.6), with the escapes of the library that BuildKit uses. Throws InvalidReferenceError. */
export function imagePurl(type: "docker" | "oci", ref: string, platform: Platform | undefined): string {
  const parsed = parseReference(ref);
  const reference = parsed.digest === undefined ? tagNameOnly(parsed) : parsed;
  const name = familiarName(reference).split("/").map(escapeQuery).join("/");
  const version = reference.tag === undefined ? "" : `@${escapePath(reference.tag)}`;
  const qualifiers = [
    reference.digest === undefined ? undefined : `digest=${escapePath(reference.digest)}`,
    platform === undefined ? undefined : `platform=${escapePath(formatPlatform(normalizePlatform(platform)))}`,
  ].filter((qualifier) => qualifier !== undefined);
  return `pkg:${type}/${name}${version}${qualifiers.length === 0 ? "" : `?${qualifiers.join("&")}`}`;
}

/** Go's url.QueryEscape. */
function escapeQuery(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll("%20", "+");
}

/** Go's url.PathEscape, which leaves `$&+=:@` as they are. */
function escapePath(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%(?:24|26|2B|3D|3A|40)/g, (escape) => decodeURIComponent(escape));
}
