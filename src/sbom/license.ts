import { shortHash } from "./content-id.ts";
import { parseLicense, type LicenseNode } from "./license-parser.ts";

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

/** How packages say that they say nothing. */
const NOTHING_SAID = /^(?:noassertion|none|unknown|n\/a)?$/i;
const LICENSE_REF = /^LicenseRef-[A-Za-z0-9.-]+$/;

/**
 * What a package declares as one expression; undefined where it declares nothing. All of several declarations holds. What
 * is neither SPDX's nor a name that stands for one licence becomes a LicenseRef with the words as they were: nothing is guessed.
 */
export function declaredLicense(declared: readonly string[]): DeclaredLicense | undefined {
  const nodes = declared.map((text) => text.trim()).filter((text) => !NOTHING_SAID.test(text)).map(parseLicense);
  if (nodes.length === 0) return undefined;
  const custom = new Map<string, CustomLicense>();
  const parts = new Set(nodes.map((node) => write(node, nodes.length > 1 ? "and" : "top", custom)));
  return { expression: [...parts].join(" AND "), custom: [...custom.values()] };
}

/** Within an `and`, an `or` needs brackets; SPDX binds `and` more tightly. */
function write(node: LicenseNode, within: "top" | "and" | "or", custom: Map<string, CustomLicense>): string {
  if (node.kind === "license") return node.expression;
  if (node.kind === "words") {
    const license = customLicense(node.words);
    custom.set(license.licenseId, license);
    return license.licenseId;
  }
  const text = [...new Set(node.parts.map((part) => write(part, node.kind, custom)))].join(node.kind === "and" ? " AND " : " OR ");
  return node.kind === "or" && within === "and" ? `(${text})` : text;
}

function customLicense(words: string): CustomLicense {
  if (LICENSE_REF.test(words)) return { licenseId: words, name: words.slice("LicenseRef-".length), text: words };
  const readable = words.slice(0, 40).replaceAll(/[^A-Za-z0-9.-]+/g, "-").replaceAll(/^-+|-+$/g, "");
  const licenseId = readable === words ? `LicenseRef-${words}` : `LicenseRef-${readable}${readable === "" ? "" : "-"}${shortHash(words)}`;
  return { licenseId, name: words.split("\n")[0]?.slice(0, 200) ?? "", text: words };
}
