import type { Actor } from "./actor.ts";
import { uuidOf } from "./content-id.ts";
import { contentNamedJson } from "./content-named-json.ts";
import { documentContents, type DocumentContents, type DocumentPackage } from "./document-contents.ts";
import { createdText, dockerfileText, stepText, type DocumentFile, type DocumentInput, type Origin } from "./document.ts";
import type { DeclaredLicense } from "./license.ts";
import type { OperatingSystem } from "./operating-system.ts";

type Property = readonly [name: string, value: string];

/** The JSON of CycloneDX 1.6, which tells the same as the document of SPDX. Equal inputs give equal bytes. */
export async function cyclonedxDocument(input: DocumentInput, signal: AbortSignal): Promise<Uint8Array> {
  const contents = await documentContents(input, signal);
  return await contentNamedJson((hash) => ({
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", bomFormat: "CycloneDX", specVersion: "1.6", serialNumber: `urn:uuid:${uuidOf(`${input.namespace}/${hash}`)}`,
  }), {
    version: 1, metadata: metadata(input), components: components(contents, input.originOf), dependencies: dependencies(contents),
  }, signal);
}

function metadata(input: DocumentInput): object {
  return {
    timestamp: createdText(input),
    tools: { components: [{ type: "application", name: input.tool.name, version: input.tool.version }] },
    component: { "bom-ref": "root", type: input.kind === "image" ? "container" : "file", name: input.name },
    properties: properties([...input.scan.warnings.map((warning): Property => ["stemma:warning", warning]), ...(input.redacted === undefined ? [] : [["stemma:redacted", input.redacted] as const])]),
  };
}

/** Files are within the package that owns them; of several, within each. */
function* components({ system, packages, unowned }: DocumentContents, originOf: DocumentInput["originOf"]): Generator<object> {
  if (system !== undefined) yield systemComponent(system, originOf(system.path));
  for (const one of packages) yield packageComponent(one, one.files.map((file) => fileComponent(file, originOf(file.path))));
  for (const file of unowned) yield fileComponent(file, originOf(file.path));
}

function systemComponent(system: OperatingSystem, origin: Origin): object {
  return {
    "bom-ref": "operating-system",
    type: "operating-system",
    name: system.name,
    version: system.version,
    description: system.description,
    cpe: system.cpe,
    externalReferences: website(system.homepage),
    properties: properties(originProperties(origin)),
    evidence: { occurrences: [{ location: system.path }] },
  };
}

function packageComponent(one: DocumentPackage, files: readonly object[]): object {
  return {
    "bom-ref": one.purl,
    type: "library",
    supplier: one.supplier === undefined ? undefined : organization(one.supplier),
    authors: one.originator === undefined ? undefined : [person(one.originator)],
    group: one.group,
    name: one.name,
    version: one.version,
    licenses: one.license === undefined ? undefined : [licenseChoice(one.license)],
    purl: one.purl,
    externalReferences: website(one.homepage),
    properties: properties([...one.origins.flatMap(originProperties), ...one.catalogers.map((name): Property => ["stemma:cataloger", name])]),
    components: files.length === 0 ? undefined : files,
    evidence: { occurrences: one.evidence.map((location) => ({ location })) },
  };
}

function fileComponent({ path, sha1, sha256 }: DocumentFile, origin: Origin): object {
  return { type: "file", name: path, hashes: [{ alg: "SHA-1", content: sha1 }, { alg: "SHA-256", content: sha256 }], properties: properties(originProperties(origin)) };
}

function organization({ name, email }: Actor): object {
  return { name, contact: email === undefined ? undefined : [{ email }] };
}

function person({ name, email }: Actor): object {
  return { name, email };
}

/** One licence by its id or, where SPDX lists none, by its name with its text; several as an expression. */
function licenseChoice({ expression, custom: [custom] }: DeclaredLicense): object {
  const acknowledgement = "declared";
  if (custom?.licenseId === expression) return { license: { name: custom.name, acknowledgement, text: custom.text === custom.name ? undefined : { content: custom.text } } };
  return /^[A-Za-z0-9.-]+$/.test(expression) ? { license: { id: expression, acknowledgement } } : { expression, acknowledgement };
}

function website(url: string | undefined): object[] | undefined {
  return url === undefined ? undefined : [{ type: "website", url }];
}

function originProperties(origin: Origin): Property[] {
  const told = [["stemma:layer", origin.layer], ["stemma:step", stepText(origin)], ["stemma:dockerfile", dockerfileText(origin)]] as const;
  return told.flatMap(([name, value]): Property[] => (value === undefined ? [] : [[name, value]]));
}

function properties(told: readonly Property[]): object[] | undefined {
  return told.length === 0 ? undefined : told.map(([name, value]) => ({ name, value }));
}

/** Only of packages that tell what they need: to name none would say that there is none. */
function* dependencies({ packages }: DocumentContents): Generator<object> {
  for (const one of packages) if (one.dependencies.length > 0) yield { ref: one.purl, dependsOn: one.dependencies };
}
