import { shortHash } from "./document-contents.ts";
import ids from "spdx-license-ids/index.json" with { type: "json" };

/** A licence that SPDX does not list, under an id of this document. */
export interface CustomLicense {
  readonly licenseId: string;
  readonly name: string;
  readonly text: string;
}

export interface DeclaredLicense {
  /** A valid SPDX license expression. */
  readonly expression: string;
  /** What its LicenseRefs stand for. */
  readonly custom: readonly CustomLicense[];
}

const ID_BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(ids.map((id) => [id.toLowerCase(), id]));

/** What a package declares, all of which holds, as one expression; undefined where it declares nothing. */
export function declaredLicense(declared: readonly string[]): DeclaredLicense | undefined {
  const parts = declared.filter((text) => text.trim() !== "").map(parseLicense);
  if (parts.length === 0) return undefined;
  return { expression: parts.map(({ expression }) => expression).join(" AND "), custom: parts.flatMap(({ custom }) => custom) };
}

function parseLicense(text: string): DeclaredLicense {
  const id = ID_BY_LOWER_CASE.get(text.trim().toLowerCase());
  return id === undefined ? customLicense(text.trim()) : { expression: id, custom: [] };
}

function customLicense(text: string): DeclaredLicense {
  const readable = text.slice(0, 40).replaceAll(/[^A-Za-z0-9.-]+/g, "-");
  const licenseId = readable === text ? `LicenseRef-${text}` : `LicenseRef-${readable}-${shortHash(text)}`;
  return { expression: licenseId, custom: [{ licenseId, name: text.split("\n")[0]?.slice(0, 200) ?? "", text }] };
}
