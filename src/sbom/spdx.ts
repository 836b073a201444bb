import { createHash } from "node:crypto";
import { actorText } from "./actor.ts";
import { shortHash } from "./content-id.ts";
import { contentNamedJson } from "./content-named-json.ts";
import { documentContents, type DocumentContents, type DocumentPackage } from "./document-contents.ts";
import { createdText, dockerfileText, stepText, type DocumentFile, type DocumentInput, type Origin } from "./document.ts";
import type { OperatingSystem } from "./operating-system.ts";

const DOCUMENT_ID = "SPDXRef-DOCUMENT";
const ROOT_ID = "SPDXRef-Root";
/** How SPDX 2.3 says that nothing is said. */
const NOTHING = "NOASSERTION";
const UNKNOWN = { downloadLocation: NOTHING, licenseConcluded: NOTHING, copyrightText: NOTHING };

/** The JSON of SPDX 2.3. Ids, namespace and order come from what is described: equal inputs give equal bytes. */
export async function spdxDocument(input: DocumentInput, signal: AbortSignal): Promise<Uint8Array> {
  const contents = await documentContents(input, signal);
  return await contentNamedJson((hash) => ({
    spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: DOCUMENT_ID, name: input.name, documentNamespace: `${input.namespace}/${hash}`,
  }), {
    comment: input.redacted === undefined ? undefined : `stemma_redacted: ${input.redacted}`,
    creationInfo: creationInfo(input),
    packages: packages(input, contents),
    files: contents.files.values().map((file) => fileElement(file, input.originOf(file.path))),
    hasExtractedLicensingInfos: extractedLicenses(contents),
    relationships: relationships(contents),
  }, signal);
}

function creationInfo(input: DocumentInput): object {
  const { warnings } = input.scan;
  return {
    created: createdText(input),
    creators: [`Tool: ${input.tool.name}-${input.tool.version}`],
    comment: warnings.length === 0 ? undefined : ["what could not be read:", ...warnings].join("\n"),
  };
}

function* packages(input: DocumentInput, { system, packages: found, files }: DocumentContents): Generator<object> {
  // All files of the document are in what was scanned, those of packages by way of these.
  yield { SPDXID: ROOT_ID, name: input.name, ...UNKNOWN, ...filesAnalyzed(files), primaryPackagePurpose: input.kind === "image" ? "CONTAINER" : "SOURCE" };
  if (system !== undefined) yield systemElement(system, input.originOf(system.path));
  for (const one of found) yield packageElement(one);
}

function systemElement(system: OperatingSystem, origin: Origin): object {
  return {
    SPDXID: systemId(system),
    name: system.name,
    versionInfo: system.version,
    description: system.description,
    homepage: system.homepage,
    ...UNKNOWN,
    filesAnalyzed: false,
    // With an underscore in JSON, as its schema has it.
    primaryPackagePurpose: "OPERATING_SYSTEM",
    externalRefs: system.cpe === undefined ? undefined : [{ referenceCategory: "SECURITY", referenceType: system.cpe.startsWith("cpe:2.3:") ? "cpe23Type" : "cpe22Type", referenceLocator: system.cpe }],
    comment: originComment([origin]),
  };
}

function packageElement(one: DocumentPackage): object {
  return {
    SPDXID: packageId(one),
    name: one.group === undefined ? one.name : `${one.group}/${one.name}`,
    versionInfo: one.version,
    supplier: one.supplier === undefined ? undefined : actorText(one.supplier),
    originator: one.originator === undefined ? undefined : actorText(one.originator),
    homepage: one.homepage,
    ...UNKNOWN,
    licenseDeclared: one.license?.expression ?? NOTHING,
    ...filesAnalyzed(one.files),
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: one.purl }],
    sourceInfo: `found by ${one.catalogers.join(", ")}`,
    comment: originComment(one.origins),
  };
}

/** SPDX 2.3, 7.8 and 7.9: files are either all told, with a code over their digests, or none is. */
function filesAnalyzed(files: readonly DocumentFile[]): object {
  if (files.length === 0) return { filesAnalyzed: false };
  const packageVerificationCodeValue = createHash("sha1").update(files.map(({ sha1 }) => sha1).toSorted().join("")).digest("hex");
  return { filesAnalyzed: true, packageVerificationCode: { packageVerificationCodeValue } };
}

function fileElement({ path, sha1, sha256 }: DocumentFile, origin: Origin): object {
  return {
    SPDXID: fileId(path),
    fileName: `./${path}`,
    checksums: [{ algorithm: "SHA1", checksumValue: sha1 }, { algorithm: "SHA256", checksumValue: sha256 }],
    comment: originComment([origin]),
  };
}

/** The first line of each origin is BuildKit's, letter for letter: what reads its documents reads ours. */
function originComment(origins: readonly Origin[]): string | undefined {
  const labels = origins.flatMap((origin) => [["layerID", origin.layer], ["step", stepText(origin)], ["dockerfile", dockerfileText(origin)]] as const);
  const lines = labels.flatMap(([label, text]) => (text === undefined ? [] : [`${label}: ${text}`]));
  return lines.length === 0 ? undefined : lines.join("\n");
}

function extractedLicenses({ packages: found }: DocumentContents): object[] | undefined {
  const byId = new Map(found.flatMap(({ license }) => license?.custom ?? []).map((custom) => [custom.licenseId, custom]));
  const sorted = [...byId.values()].toSorted((a, b) => (a.licenseId < b.licenseId ? -1 : 1));
  return sorted.length === 0 ? undefined : sorted.map(({ licenseId, name, text }) => ({ licenseId, name, extractedText: text }));
}

function* relationships({ system, packages: found, files, unowned }: DocumentContents): Generator<object> {
  const listed = new Set(files.map(({ path }) => path));
  const ids = new Map(found.map((one) => [one.purl, packageId(one)]));
  yield relationship(DOCUMENT_ID, "DESCRIBES", ROOT_ID);
  if (system !== undefined) yield relationship(ROOT_ID, "CONTAINS", systemId(system));
  if (system !== undefined && listed.has(system.path)) yield evidentBy(systemId(system), system.path);
  for (const id of ids.values()) yield relationship(ROOT_ID, "CONTAINS", id);
  for (const { path } of unowned) yield relationship(ROOT_ID, "CONTAINS", fileId(path));
  for (const one of found) {
    const id = packageId(one);
    for (const { path } of one.files) yield relationship(id, "CONTAINS", fileId(path));
    for (const path of one.evidence) if (listed.has(path)) yield evidentBy(id, path);
    for (const needed of one.dependencies) yield relationship(id, "DEPENDS_ON", ids.get(needed) ?? NOTHING);
  }
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): object {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function evidentBy(id: string, path: string): object {
  return { ...relationship(id, "OTHER", fileId(path)), comment: "evident-by: the file tells of the package" };
}

function packageId({ type, name, purl }: DocumentPackage): string {
  return `SPDXRef-Package-${type}-${idText(name)}-${shortHash(purl)}`;
}

function systemId({ name }: OperatingSystem): string {
  return `SPDXRef-OperatingSystem-${idText(name)}`;
}

function fileId(path: string): string {
  return `SPDXRef-File-${shortHash(path)}`;
}

/** What an id may hold (SPDX 2.3, 3.2). */
function idText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.-]+/g, "-").slice(0, 64);
}
