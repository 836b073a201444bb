import type { FoundPackage, PackageType } from "./found-package.ts";
import { compareBytes } from "./scan-tree.ts";

/** What a package-url is made of. */
export type PurlParts = Pick<FoundPackage, "type" | "namespace" | "name" | "version" | "qualifiers" | "subpath">;

/** How each type writes its names (purl-spec, "types"); as they are where it says nothing. */
const NORMALIZE: Partial<Record<PackageType, (name: string) => string>> = {
  deb: (name) => name.toLowerCase(),
  apk: (name) => name.toLowerCase(),
  golang: (name) => name.toLowerCase(),
  pypi: (name) => name.toLowerCase().replaceAll("_", "-"),
};

/** The canonical package-url: equal packages have equal text. */
export function purlOf({ type, namespace, name, version, qualifiers, subpath }: PurlParts): string {
  const normalize = NORMALIZE[type] ?? ((text) => text);
  const segments = [...slashed(normalizedNamespace(type, namespace, normalize)), encode(normalize(name))];
  const pairs = Object.entries(qualifiers).filter(([, value]) => value !== "").toSorted(([a], [b]) => compareBytes(a, b));
  return [
    `pkg:${type}/${segments.join("/")}`,
    version === undefined || version === "" ? "" : `@${encode(version)}`,
    pairs.length === 0 ? "" : `?${pairs.map(([key, value]) => `${key.toLowerCase()}=${encode(value)}`).join("&")}`,
    subpath === undefined || slashed(subpath).length === 0 ? "" : `#${slashed(subpath).filter((segment) => segment !== "." && segment !== "..").join("/")}`,
  ].join("");
}

/** Of an rpm only the vendor has one case. */
function normalizedNamespace(type: PackageType, namespace: string | undefined, normalize: (text: string) => string): string {
  return type === "rpm" ? (namespace ?? "").toLowerCase() : normalize(namespace ?? "");
}

function slashed(text: string): string[] {
  return text.split("/").filter((segment) => segment !== "").map(encode);
}

/** All but letters, digits, `.-_~` and the colon (purl-spec, "Character encoding"). */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%3A", ":");
}
