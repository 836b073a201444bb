import { linesOf } from "../parse-text.ts";
import { DamagedFileError } from "../read-file.ts";
import { isName } from "./requirement.ts";

/** Core metadata of a distribution (packaging.python.org, "Core metadata specifications"). */
export interface Metadata {
  /** As written. */
  readonly name: string;
  readonly version: string | undefined;
  readonly licenses: readonly string[];
  readonly supplier: string | undefined;
  readonly homepage: string | undefined;
  /** As written in Requires-Dist. */
  readonly requires: readonly string[];
}

/** Of METADATA, PKG-INFO, and an .egg-info that is a file. */
export function parseMetadata(bytes: Uint8Array): Metadata {
  const fields = parseHeader(bytes);
  const one = (name: string): string | undefined => fields.get(name)?.find((value) => value !== "" && value !== "UNKNOWN");
  const name = one("name");
  if (name === undefined || !isName(name)) throw new DamagedFileError("metadata of a Python distribution without a name");
  return {
    name,
    version: one("version"),
    licenses: licensesOf(one("license-expression"), one("license"), fields.get("classifier") ?? []),
    supplier: person(one("author"), one("author-email")) ?? person(one("maintainer"), one("maintainer-email")),
    homepage: one("home-page") ?? homepageOf(fields.get("project-url") ?? []),
    requires: fields.get("requires-dist") ?? [],
  };
}

/** By name in lower case, up to the empty line before the description. */
function parseHeader(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  let values: string[] | undefined;
  for (const line of linesOf(bytes)) {
    if (line === "") break;
    if (/^[ \t]/.test(line)) {
      // The bar is how a description in the header keeps its empty lines.
      if (values !== undefined) values.push(`${values.pop() ?? ""}\n${line.trim().replace(/^\|/, "")}`);
      continue;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    values = fields.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(name, values);
  }
  return fields;
}

/** An expression is the whole answer. A name is, too; the text of a licence only where no classifier has its name. */
function licensesOf(expression: string | undefined, license: string | undefined, classifiers: readonly string[]): string[] {
  if (expression !== undefined) return [expression];
  const classified = classifiers.filter((one) => one.startsWith("License ::")).map((one) => one.slice(one.lastIndexOf("::") + 2).trim()).filter((name) => name !== "OSI Approved");
  if (license === undefined || (license.includes("\n") && classified.length > 0)) return [...new Set(classified)];
  return [license];
}

/** Author-email may have the name as well. */
function person(name: string | undefined, email: string | undefined): string | undefined {
  if (name === undefined || email === undefined) return name ?? email;
  return email.includes("<") ? email : `${name} <${email}>`;
}

/** `Homepage, https://…`: labels are compared without case, spaces and punctuation ("Well-known Project URLs"). */
function homepageOf(urls: readonly string[]): string | undefined {
  const labelled = urls.map((text) => [text.slice(0, text.indexOf(",")).toLowerCase().replaceAll(/[^a-z]/g, ""), text.slice(text.indexOf(",") + 1).trim()] as const);
  return labelled.find(([label]) => label === "homepage")?.[1];
}
