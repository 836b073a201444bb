import { createHash } from "node:crypto";
import { Ajv } from "ajv";
import parseExpression from "spdx-expression-parse";

const text = { type: "string", minLength: 1 };
const id = { type: "string", pattern: "^SPDXRef-[A-Za-z0-9.-]+$" };
const noAssertion = { const: "NOASSERTION" };
const actor = { type: "string", pattern: "^(Person|Organization): [^()]+( \\([^\\s()]*@[^\\s()]*\\))?$" };
const hex = (length: number): object => ({ type: "string", pattern: `^[0-9a-f]{${length}}$` });

/** An object of these members and no other; a name that ends in `?` may be left out. */
function closed(members: Readonly<Record<string, object>>): object {
  const properties = Object.fromEntries(Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ""), schema]));
  return { type: "object", additionalProperties: false, properties, required: Object.keys(members).filter((name) => !name.endsWith("?")) };
}

function list(items: object): object {
  return { type: "array", items, minItems: 1 };
}

/** What SPDX 2.3 (clauses 6 to 11) says of the elements that we write, more strictly where we promise more. */
const DOCUMENT = closed({
  spdxVersion: { const: "SPDX-2.3" },
  dataLicense: { const: "CC0-1.0" },
  SPDXID: { const: "SPDXRef-DOCUMENT" },
  name: text,
  documentNamespace: { type: "string", pattern: "^[a-z][a-z0-9+.-]*:[^#\\s]+$" },
  "comment?": text,
  creationInfo: closed({ created: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" }, creators: list({ type: "string", pattern: "^Tool: " }), "comment?": text }),
  packages: list(closed({
    SPDXID: id, name: text, "versionInfo?": text, "supplier?": actor, "originator?": actor, "homepage?": { type: "string", pattern: "^https?://" }, "description?": text,
    downloadLocation: noAssertion, licenseConcluded: noAssertion, copyrightText: noAssertion, "licenseDeclared?": text, filesAnalyzed: { type: "boolean" },
    "packageVerificationCode?": closed({ packageVerificationCodeValue: hex(40) }), "primaryPackagePurpose?": { enum: ["CONTAINER", "SOURCE", "OPERATING_SYSTEM"] },
    "externalRefs?": list(closed({ referenceCategory: { enum: ["PACKAGE-MANAGER", "SECURITY"] }, referenceType: { enum: ["purl", "cpe22Type", "cpe23Type"] }, referenceLocator: { type: "string", pattern: "^\\S+$" } })),
    "sourceInfo?": text, "comment?": text,
  })),
  files: { type: "array", items: closed({
    SPDXID: id, fileName: { type: "string", pattern: "^\\./[^/]" },
    checksums: { type: "array", items: [closed({ algorithm: { const: "SHA1" }, checksumValue: hex(40) }), closed({ algorithm: { const: "SHA256" }, checksumValue: hex(64) })], minItems: 2, additionalItems: false },
    "comment?": text,
  }) },
  "hasExtractedLicensingInfos?": list(closed({ licenseId: { type: "string", pattern: "^LicenseRef-[A-Za-z0-9.-]+$" }, name: text, extractedText: text })),
  relationships: list(closed({ spdxElementId: id, relationshipType: { enum: ["DESCRIBES", "CONTAINS", "DEPENDS_ON", "OTHER"] }, relatedSpdxElement: id, "comment?": text })),
});

const isDocument = new Ajv({ allErrors: true }).compile(DOCUMENT);

/** The parts of a document that the rules between them are about. */
export interface SpdxJson {
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[]; readonly comment?: string };
  readonly packages: readonly SpdxPackage[];
  readonly files: ReadonlyArray<{ readonly SPDXID: string; readonly fileName: string; readonly checksums: ReadonlyArray<{ readonly checksumValue: string }>; readonly comment?: string }>;
  readonly hasExtractedLicensingInfos?: ReadonlyArray<{ readonly licenseId: string; readonly extractedText: string }>;
  readonly relationships: ReadonlyArray<{ readonly spdxElementId: string; readonly relationshipType: string; readonly relatedSpdxElement: string; readonly comment?: string }>;
}

export interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo?: string;
  readonly supplier?: string;
  readonly originator?: string;
  readonly licenseDeclared?: string;
  readonly filesAnalyzed: boolean;
  readonly packageVerificationCode?: { readonly packageVerificationCodeValue: string };
  readonly primaryPackagePurpose?: string;
  readonly externalRefs?: ReadonlyArray<{ readonly referenceLocator: string }>;
  readonly comment?: string;
}

/** The document, and what is wrong with it: in its elements, or between them, which no schema can tell. */
export function readSpdx(bytes: Uint8Array): { readonly document: SpdxJson; readonly problems: readonly string[] } {
  const json: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  isDocument(json);
  // Checked by the line before; of a document that failed, the problems are what counts.
  const document = json as SpdxJson;
  const wrong = (isDocument.errors ?? []).map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
  return { document, problems: wrong.length > 0 ? wrong : [...ids(document), ...expressions(document), ...verificationCodes(document)] };
}

function* ids({ packages, files, relationships }: SpdxJson): Generator<string> {
  const all = new Set(["SPDXRef-DOCUMENT"]);
  for (const { SPDXID } of [...packages, ...files]) {
    if (all.has(SPDXID)) yield `${SPDXID} twice`;
    all.add(SPDXID);
  }
  const related = new Set<string>();
  for (const { spdxElementId, relationshipType, relatedSpdxElement } of relationships) {
    const key = `${spdxElementId} ${relationshipType} ${relatedSpdxElement}`;
    if (related.has(key)) yield `${key} twice`;
    related.add(key);
    for (const end of [spdxElementId, relatedSpdxElement]) if (!all.has(end)) yield `${end} is related, and nowhere`;
  }
}

/** Annex D, by the parser that npm itself uses; and each LicenseRef has its text. */
function* expressions({ packages, hasExtractedLicensingInfos = [] }: SpdxJson): Generator<string> {
  const texts = new Set(hasExtractedLicensingInfos.map(({ licenseId }) => licenseId));
  for (const { name, licenseDeclared = "NOASSERTION" } of packages) {
    if (licenseDeclared === "NOASSERTION") continue;
    try {
      parseExpression(licenseDeclared);
    } catch (error) {
      yield `${name}: ${licenseDeclared}: ${String(error)}`;
    }
    for (const [ref] of licenseDeclared.matchAll(/LicenseRef-[A-Za-z0-9.-]+/g)) if (!texts.has(ref)) yield `${name}: ${ref} has no text`;
  }
}

/** Clause 7.9, over the files that a package contains; the root contains those of its packages too. */
function* verificationCodes({ packages, files, relationships }: SpdxJson): Generator<string> {
  const sha1s = new Map(files.map(({ SPDXID, checksums: [sha1] }) => [SPDXID, sha1?.checksumValue ?? ""]));
  const contained = Map.groupBy(relationships.filter(({ relationshipType }) => relationshipType === "CONTAINS"), ({ spdxElementId }) => spdxElementId);
  for (const { SPDXID, name, filesAnalyzed, packageVerificationCode } of packages) {
    const own = SPDXID === "SPDXRef-Root" ? [...sha1s.keys()] : (contained.get(SPDXID) ?? []).map(({ relatedSpdxElement }) => relatedSpdxElement);
    const code = createHash("sha1").update(own.map((file) => sha1s.get(file) ?? "").toSorted().join("")).digest("hex");
    if (filesAnalyzed !== own.length > 0) yield `${name}: filesAnalyzed is ${filesAnalyzed} with ${own.length} files`;
    if (filesAnalyzed && packageVerificationCode?.packageVerificationCodeValue !== code) yield `${name}: verification code`;
  }
  const inSomething = new Set([...contained.values()].flat().map(({ relatedSpdxElement }) => relatedSpdxElement));
  for (const file of sha1s.keys()) if (!inSomething.has(file)) yield `${file} is in nothing`;
}
