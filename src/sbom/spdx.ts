import { createHash } from "node:crypto";
import { actorText, parseActor } from "./actor.ts";
import { documentContents, shortHash, type DocumentContents, type DocumentPackage } from "./document-contents.ts";
import { createdText, dockerfileText, stepText, type DocumentFile, type DocumentInput, type Origin } from "./document.ts";
import { jsonMembers } from "./json-members.ts";
import { declaredLicense, type CustomLicense, type DeclaredLicense } from "./license.ts";
import { operatingSystem } from "./spdx-operating-system.ts";

const DOCUMENT_ID = "SPDXRef-DOCUMENT";
const ROOT_ID = "SPDXRef-Root";
/** How SPDX 2.3 says that nothing is said. */
const NOTHING = "NOASSERTION";

/** The JSON of SPDX 2.3. Ids, namespace and order come from what is described: equal inputs give equal bytes. */
export async function spdxDocument(input: DocumentInput, signal: AbortSignal): Promise<Uint8Array> {
  const contents = await documentContents(input, signal);
  const licenses = new Map(contents.packages.map((one) => [one, declaredLicense(one.licenses)]));
  const system = operatingSystem(input);
  const members = await jsonMembers({
    creationInfo: creationInfo(input),
    packages: [root(input, contents), ...(system === undefined ? [] : [system.element]), ...contents.packages.map((one) => packageElement(one, licenses.get(one)))],
    files: contents.files.values().map((file) => fileElement(file, input.originOf(file.path))),
    hasExtractedLicensingInfos: extractedLicenses([...licenses.values()]),
    relationships: relationships(contents, system),
  }, signal);
  const hash = createHash("sha256");
  for (const chunk of members) hash.update(chunk);
  const head = {
    spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: DOCUMENT_ID, name: input.name, documentNamespace: `${input.namespace}/${hash.digest("hex")}`,
  };
  return Buffer.concat([Buffer.from("{"), ...(await jsonMembers(head, signal)), Buffer.from(","), ...members, Buffer.from("}\n")]);
}

function creationInfo(input: DocumentInput): object {
  const { warnings } = input.scan;
  return {
    created: createdText(input),
    creators: [`Tool: ${input.tool.name}-${input.tool.version}`],
    ...(warnings.length === 0 ? {} : { comment: ["what could not be read:", ...warnings].join("\n") }),
  };
}

/** What was scanned. All files of the document are in it, those of packages by way of these. */
function root(input: DocumentInput, { files }: DocumentContents): object {
  return {
    SPDXID: ROOT_ID, name: input.name, downloadLocation: NOTHING, licenseConcluded: NOTHING, copyrightText: NOTHING, primaryPackagePurpose: input.kind === "image" ? "CONTAINER" : "SOURCE",
    ...filesAnalyzed(files),
  };
}

function packageElement(one: DocumentPackage, license: DeclaredLicense | undefined): object {
  const supplier = one.supplier === undefined ? undefined : parseActor(one.supplier);
  const originator = originatorOf(one);
  return {
    SPDXID: packageId(one),
    name: one.namespace === undefined || isOfSystem(one) ? one.name : `${one.namespace}/${one.name}`,
    ...(one.version === undefined ? {} : { versionInfo: one.version }),
    ...(supplier === undefined ? {} : { supplier: actorText(supplier) }),
    ...(originator === undefined ? {} : { originator: actorText(originator) }),
    ...(one.homepage === undefined ? {} : { homepage: one.homepage }),
    downloadLocation: NOTHING,
    licenseConcluded: NOTHING,
    licenseDeclared: license?.expression ?? NOTHING,
    copyrightText: NOTHING,
    ...filesAnalyzed(one.files),
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: one.purl }],
    sourceInfo: `found by ${one.catalogers.join(", ")}`,
    ...comment(one.origins),
  };
}

/** A distribution's maintainer supplies what others made; elsewhere who makes a package supplies it. */
function originatorOf(one: DocumentPackage): ReturnType<typeof parseActor> {
  const text = one.originator ?? (isOfSystem(one) ? undefined : one.supplier);
  return text === undefined ? undefined : parseActor(text);
}

/** Their namespace is the distribution, and no part of the name that people know. */
function isOfSystem({ type }: DocumentPackage): boolean {
  return type === "deb" || type === "apk" || type === "rpm";
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
    ...comment([origin]),
  };
}

/** The first line of each origin is BuildKit's, letter for letter: what reads its documents reads ours. */
function comment(origins: readonly Origin[]): object {
  const lines = origins.flatMap((origin) => [
    ...labelled("layerID", origin.layer), ...labelled("step", stepText(origin)), ...labelled("dockerfile", dockerfileText(origin)),
  ]);
  return lines.length === 0 ? {} : { comment: lines.join("\n") };
}

function labelled(label: string, text: string | undefined): string[] {
  return text === undefined ? [] : [`${label}: ${text}`];
}

function* relationships({ packages, files, unowned }: DocumentContents, system: ReturnType<typeof operatingSystem>): Generator<object> {
  const listed = new Set(files.map(({ path }) => path));
  const ids = new Map(packages.map((one) => [one.purl, packageId(one)]));
  yield relationship(DOCUMENT_ID, "DESCRIBES", ROOT_ID);
  if (system !== undefined) yield relationship(ROOT_ID, "CONTAINS", system.id);
  if (system !== undefined && listed.has(system.path)) yield evidentBy(system.id, system.path);
  for (const id of ids.values()) yield relationship(ROOT_ID, "CONTAINS", id);
  for (const { path } of unowned) yield relationship(ROOT_ID, "CONTAINS", fileId(path));
  for (const one of packages) {
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

function extractedLicenses(licenses: ReadonlyArray<DeclaredLicense | undefined>): object[] | undefined {
  const byId = new Map<string, CustomLicense>(licenses.flatMap((license) => license?.custom ?? []).map((custom) => [custom.licenseId, custom]));
  const sorted = [...byId.values()].toSorted((a, b) => (a.licenseId < b.licenseId ? -1 : 1));
  return sorted.length === 0 ? undefined : sorted.map(({ licenseId, name, text }) => ({ licenseId, name, extractedText: text }));
}

function packageId({ type, name, purl }: DocumentPackage): string {
  return `SPDXRef-Package-${type}-${name.replaceAll(/[^A-Za-z0-9.-]+/g, "-")}-${shortHash(purl)}`;
}

function fileId(path: string): string {
  return `SPDXRef-File-${shortHash(path)}`;
}
