import type { ImageStatement } from "../source/image.ts";
import type { NamedMaterial } from "./provenance-material.ts";

/** Of which buildx reads the first that there is. */
export const PROVENANCE_TYPES: readonly string[] = ["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"];

/** `input.image.provenance`: what somebody has said of the image. Nothing of it is verified. */
export interface ImageProvenance {
  readonly members: Readonly<Record<string, unknown>>;
  readonly materials: readonly NamedMaterial[];
}

/** The first provenance among the statements that is about this manifest and can be read; undefined where there is none. */
export function readProvenance(statements: readonly ImageStatement[], manifestDigest: string): ImageProvenance | undefined {
  for (const { bytes, predicateType } of statements) {
    const statement = parse(bytes);
    if (statement === undefined || !listOf(statement["subject"]).some((subject) => `sha256:${text(objectOf(objectOf(subject)["digest"])["sha256"]) ?? ""}` === manifestDigest)) continue;
    const type = text(statement["predicateType"]) ?? predicateType;
    const predicate = objectOf(statement["predicate"]);
    const read = type === PROVENANCE_TYPES[1] ? readV1(predicate) : type === PROVENANCE_TYPES[0] ? readV02(predicate) : undefined;
    if (read !== undefined) return { ...read, members: { predicateType: type, ...read.members } };
  }
  return undefined;
}

function readV1(predicate: JsonObject): ImageProvenance | undefined {
  const [definition, run] = [objectOf(predicate["buildDefinition"]), objectOf(predicate["runDetails"])];
  const [buildType, builderID] = [said(definition["buildType"]), said(objectOf(run["builder"])["id"])];
  if (buildType === undefined && builderID === undefined) return undefined;
  const { configSource, request } = parametersOf(definition["externalParameters"]);
  const completeness = (metadata: JsonObject): JsonObject => objectOf(metadata["buildkit_completeness"]);
  return {
    members: {
      buildType, builderID,
      ...metadataMembers(run["metadata"], (metadata) => ({
        invocationID: said(metadata["invocationId"]) ?? said(metadata["invocationID"]),
        startedOn: time(metadata["startedOn"]), finishedOn: time(metadata["finishedOn"]),
        reproducible: metadata["buildkit_reproducible"] === true, hermetic: metadata["buildkit_hermetic"] === true,
        completeness: { parameters: completeness(metadata)["request"] === true, materials: completeness(metadata)["resolvedDependencies"] === true },
      })),
      configSource: sourceMembers(configSource, "path"),
      ...requestMembers(request),
    },
    materials: materialsOf(definition["resolvedDependencies"]),
  };
}

function readV02(predicate: JsonObject): ImageProvenance | undefined {
  const [buildType, builderID] = [said(predicate["buildType"]), said(objectOf(predicate["builder"])["id"])];
  if (buildType === undefined && builderID === undefined) return undefined;
  const invocation = objectOf(predicate["invocation"]);
  const completeness = (metadata: JsonObject): JsonObject => objectOf(metadata["completeness"]);
  return {
    members: {
      buildType, builderID,
      ...metadataMembers(predicate["metadata"], (metadata) => ({
        invocationID: said(metadata["buildInvocationID"]) ?? said(metadata["buildInvocationId"]),
        startedOn: time(metadata["buildStartedOn"]), finishedOn: time(metadata["buildFinishedOn"]),
        reproducible: metadata["reproducible"] === true, hermetic: metadata["https://mobyproject.org/buildkit@v1#hermetic"] === true,
        completeness: { parameters: completeness(metadata)["parameters"] === true, environment: completeness(metadata)["environment"] === true, materials: completeness(metadata)["materials"] === true },
      })),
      configSource: sourceMembers(objectOf(invocation["configSource"]), "entryPoint"),
      ...requestMembers(objectOf(invocation["parameters"])),
    },
    materials: materialsOf(predicate["materials"]),
  };
}

function parametersOf(value: unknown): { readonly configSource: JsonObject; readonly request: JsonObject } {
  const parameters = objectOf(value);
  return { configSource: objectOf(parameters["configSource"]), request: objectOf(parameters["request"]) };
}

function metadataMembers(value: unknown, members: (metadata: JsonObject) => JsonObject): JsonObject {
  return typeof value === "object" && value !== null ? members(objectOf(value)) : {};
}

function sourceMembers(source: JsonObject, path: "path" | "entryPoint"): JsonObject {
  return { uri: said(source["uri"]), digest: saidMap(texts(source["digest"])), path: said(source[path]) };
}

function requestMembers(request: JsonObject): JsonObject {
  const args = texts(request["args"]);
  const prefix = "build-arg:";
  const own = Object.entries(args).filter(([name]) => name.startsWith(prefix) && name !== prefix).map(([name, value]) => [name.slice(prefix.length), value] as const);
  return { frontend: said(request["frontend"]), buildArgs: saidMap(Object.fromEntries(own)), rawArgs: saidMap(args) };
}

function materialsOf(value: unknown): readonly NamedMaterial[] {
  return listOf(value).map(objectOf).map((material) => ({ uri: text(material["uri"]) ?? "", digest: texts(material["digest"]) }));
}

/** In seconds and UTC, as buildx shows it. */
function time(value: unknown): string | undefined {
  const date = new Date(text(value) ?? "");
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().replace(/\.\d+Z$/, "Z");
}

type JsonObject = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array): JsonObject | undefined {
  try {
    return objectOf(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (error) {
    // Whoever wrote it has said nothing.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Empty for what is none. */
function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function said(value: unknown): string | undefined {
  return value === "" ? undefined : text(value);
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(objectOf(value)).flatMap(([name, each]) => (typeof each === "string" ? [[name, each] as const] : [])));
}

function saidMap(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}
