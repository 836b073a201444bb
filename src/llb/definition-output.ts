import { digestOf, type Digest } from "../content/digest.ts";
import { definitionOf, type Definition } from "./definition.ts";
import { loadGraph, type LlbVertex } from "./graph.ts";
import type { OpMetadata, Source } from "./op.ts";
import type { Output, SourceFile, StepDetails, Vertex } from "./vertex.ts";

/**
 * The result of a definition that somebody else made, to be built upon: its vertices keep their bytes, and all that is
 * said of them. Undefined for an empty tree. Throws LlbError.
 */
export function definitionOutput(definition: Definition): Output | undefined {
  const { vertices, head } = loadGraph(definition);
  if (head === undefined) return undefined;
  const bytes = new Map(definition.def.map((op) => [digestOf(op), op] as const));
  const files = sourceFiles(definition.source);
  const made = new Map<Digest, Vertex>();
  const vertexOf = (digest: Digest): Vertex => {
    const known = made.get(digest);
    if (known !== undefined) return known;
    // Every edge leads to a vertex: loadGraph has seen to it.
    const received = vertices.get(digest) as LlbVertex;
    const inputs = received.inputs.map((edge): Output => ({ vertex: () => vertexOf(edge.digest), index: () => edge.index }));
    const vertex: Vertex = { inputs: () => inputs, compose: () => ({ op: bytes.get(digest) ?? new Uint8Array(), details: detailsOf(received, files), capabilities: capabilitiesOf(received.metadata) }) };
    made.set(digest, vertex);
    return vertex;
  };
  return { vertex: () => vertexOf(head.digest), index: () => head.index };
}

function detailsOf({ metadata, locations }: LlbVertex, files: readonly SourceFile[]): StepDetails {
  const { description, ignoreCache, progressGroup, linuxResources } = metadata;
  return {
    description, ignoreCache,
    ...(progressGroup === undefined ? {} : { progressGroup }),
    ...(linuxResources === undefined ? {} : { linuxResources }),
    locations: locations.flatMap(({ sourceIndex, ranges }) => {
      const file = files[sourceIndex];
      return file === undefined ? [] : [{ file, ranges: ranges.map(({ start, end }) => ({ start: { line: start?.line ?? 0, character: start?.character ?? 0 }, end: { line: end?.line ?? 0, character: end?.character ?? 0 } })) }];
    }),
  };
}

function capabilitiesOf({ caps }: OpMetadata): readonly string[] {
  return Object.entries(caps).flatMap(([name, needed]) => (needed ? [name] : []));
}

function sourceFiles(source: Source | undefined): readonly SourceFile[] {
  return (source?.infos ?? []).map(({ filename, language, data, definition }) => ({ filename, language, data, definition: definition === undefined ? undefined : definitionOf(definition) }));
}
