import type { Digest } from "../content/digest.ts";
import { definitionOf, vertexDigest, type Definition } from "../llb/definition.ts";
import { LocationsSchema, type Locations } from "../llb/op.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { nonEmptyList, nonEmptyObject, sortedObject, type JsonObject } from "./json-tree.ts";
import { messageJson } from "./op-json.ts";
import { numberSteps, stepGraph, stepsJson, type StepGraph, type StepNumbers } from "./steps.ts";

export interface SourceFile {
  readonly filename: string;
  readonly language: string;
  readonly data: Uint8Array;
  /** How the file itself was read; undefined when that is not told. */
  readonly graph: StepGraph | undefined;
}

/** What `mode=max` tells of how the result was made. */
export interface BuildRecord {
  readonly graph: StepGraph;
  readonly locations: ReadonlyMap<Digest, Locations>;
  readonly files: readonly SourceFile[];
}

/** The layers of one output of one step, from the lowest on; several chains when it exists in several forms. */
export interface StepLayers {
  readonly vertex: Digest;
  readonly output: number;
  readonly chains: ReadonlyArray<readonly Descriptor[]>;
}

/** Throws LlbError. */
export function buildRecord(definition: Definition): BuildRecord {
  const { source } = definition;
  return {
    graph: stepGraph(definition),
    locations: new Map(Object.entries(source?.locations ?? {}).map(([digest, locations]) => [vertexDigest(digest), locations])),
    files: (source?.infos ?? []).map(({ filename, language, data, definition: read }) => ({ filename, language, data, graph: read === undefined ? undefined : stepGraph(definitionOf(read)) })),
  };
}

/** `buildkit_metadata.source`: which lines each step comes from, and the files with those lines. */
export function sourceJson({ files, locations }: BuildRecord, { numbers }: StepNumbers): JsonObject | undefined {
  if (files.length === 0) return undefined;
  const located = [...locations].flatMap(([digest, lines]) => {
    const number = numbers.get(digest);
    return number === undefined ? [] : [[`step${number}`, messageJson(LocationsSchema, lines)] as const];
  });
  return { locations: nonEmptyObject(sortedObject(located)), infos: files.map(fileJson) };
}

/** `buildkit_metadata.layers`: what stands in the image after a step, for the steps whose layers are known. */
export function layersJson(layers: readonly StepLayers[], { numbers }: StepNumbers): JsonObject | undefined {
  const known = layers.flatMap(({ vertex, output, chains }) => {
    const number = numbers.get(vertex);
    return number === undefined ? [] : [[`step${number}:${output}`, chains.map((chain) => chain.map(descriptorJson))] as const];
  });
  return nonEmptyObject(sortedObject(known));
}

function fileJson({ filename, language, data, graph }: SourceFile): JsonObject {
  const steps = graph === undefined ? undefined : stepsJson(graph, numberSteps(graph));
  return {
    filename: filename === "" ? undefined : filename,
    language: language === "" ? undefined : language,
    data: data.byteLength === 0 ? undefined : Buffer.from(data).toString("base64"),
    llbDefinition: steps?.llbDefinition,
    digestMapping: steps?.digestMapping,
  };
}

function descriptorJson({ mediaType, digest, size, urls, annotations, data, platform, artifactType }: Descriptor): JsonObject {
  return {
    mediaType, digest, size, urls: nonEmptyList(urls ?? []), annotations: annotations === undefined ? undefined : nonEmptyObject(sortedObject(Object.entries(annotations))),
    data, platform: platform === undefined ? undefined : { ...platform }, artifactType,
  };
}
