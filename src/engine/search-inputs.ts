import { create } from "@bufbuild/protobuf";
import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { systemClock } from "../host/clock.ts";
import type { Definition } from "../llb/definition.ts";
import { encodeMessage } from "../llb/encode.ts";
import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import { OpSchema } from "../llb/op.ts";
import type { FileSecret } from "../scrub/file-scan.ts";
import type { Layer, LayerChain } from "../snapshot/layer.ts";
import type { BuildMeans } from "./build-means.ts";
import { InspectedContents, readInspection, RULE } from "./inspect-file.ts";
import { searchedInputs, type SearchedInput } from "./searched-inputs.ts";
import { solveGraphs, type SolvedGraphs } from "./solve-graphs.ts";
import { StepReporter } from "./step-reporter.ts";

const KIND = "input-secrets";
/** A shorter file holds no secret. */
const FILE_BYTES_MIN = 6;

/** A file with secrets that the build was given. */
export interface LeakyFile {
  readonly digest: Digest;
  /** The vertex that it came with; undefined for a client's directory. */
  readonly vertex: Digest | undefined;
  /** In the context; of others with their name before it. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly secrets: readonly FileSecret[];
  /** How it can be left out. */
  readonly remedy: string;
}

export interface SearchedBuild {
  readonly definition: Definition;
  readonly graph: LlbGraph | undefined;
  /** Of the results. */
  readonly layers: LayerChain;
  readonly solved: SolvedGraphs;
}

/** An answer that is remembered: what was found of an input in these layers. */
type Remembered = ReadonlyArray<{ readonly digest: Digest; readonly path: string; readonly sizeBytes: number; readonly said: string }>;

/**
 * Files with secrets of repositories, of the web, and of archives that are unpacked, as far as files of their size are in a layer of
 * a result. What was found is remembered, for a build that has all its steps from the cache does not even have these inputs.
 */
export async function searchInputs(build: SearchedBuild, means: BuildMeans, signal: AbortSignal): Promise<readonly LeakyFile[]> {
  const { services: { pins }, engine: { state: { database } } } = means;
  const inputs = build.graph === undefined ? [] : searchedInputs(build.graph, pins);
  const leaky: LeakyFile[] = [];
  for (const input of inputs) {
    const name = input.madeFrom && digestOf(Buffer.from(canonicalJson([RULE, input.vertex.digest, [...input.madeFrom], build.layers.map(({ id }) => id)])));
    const text = name && database.fact(KIND, name);
    // Written below.
    const found = text === undefined ? await search(input, build, means, signal) : (JSON.parse(text) as Remembered);
    if (name !== undefined && text === undefined) database.saveFact(KIND, name, JSON.stringify(found));
    for (const { digest, path, sizeBytes, said } of found) leaky.push({ digest, vertex: input.vertex.digest, path: input.shown(path), sizeBytes, secrets: readInspection(said), remedy: "--exclude of COPY and ADD" });
  }
  return leaky;
}

async function search({ vertex, mayBeLocal }: SearchedInput, build: SearchedBuild, means: BuildMeans, signal: AbortSignal): Promise<Remembered> {
  const contents = new InspectedContents(means.engine.state.database);
  const sizesBytes = await sizesOf(build.layers, signal);
  const known = mayBeLocal ? await localContents(means, signal) : new Set<Digest>();
  const found = new Map<Digest, Remembered[number]>();
  const slice = new TimeSlice();
  for (const layer of await layersOf(vertex, build, means, signal)) {
    for (const entry of await layer.entries(signal)) {
      if (slice.isSpent) await slice.renew(signal);
      if (entry.kind !== "file" || entry.sizeBytes < FILE_BYTES_MIN || !sizesBytes.has(entry.sizeBytes)) continue;
      const digest = await layer.contentDigest(entry, signal);
      if (known.has(digest) || found.has(digest)) continue;
      const said = await contents.inspect({ layer, entry }, signal);
      if (readInspection(said).length > 0) found.set(digest, { digest, path: entry.path, sizeBytes: entry.sizeBytes, said });
    }
  }
  contents.save();
  return [...found.values()];
}

async function sizesOf(layers: LayerChain, signal: AbortSignal): Promise<ReadonlySet<number>> {
  const sizesBytes = new Set<number>();
  for (const layer of layers) for (const { kind, sizeBytes } of await layer.entries(signal)) if (kind === "file") sizesBytes.add(sizeBytes);
  return sizesBytes;
}

/** What was looked into when it was read. */
async function localContents({ services }: BuildMeans, signal: AbortSignal): Promise<ReadonlySet<Digest>> {
  const known = new Set<Digest>();
  for (const { layer } of services.locals.done) for (const entry of await layer.entries(signal)) if (entry.kind === "file") known.add(await layer.contentDigest(entry, signal));
  return known;
}

/** What a vertex made: as this build has it, or from the cache, or else made again. */
async function layersOf(vertex: LlbVertex, { definition, solved }: SearchedBuild, means: BuildMeans, signal: AbortSignal): Promise<readonly Layer[]> {
  const chains = (await solved.known(vertex.digest)) ?? (await made(vertex, definition, means, signal));
  return [...new Set(chains.flatMap((chain) => chain.at(-1) ?? []))];
}

async function made({ digest }: LlbVertex, definition: Definition, means: BuildMeans, signal: AbortSignal): Promise<readonly LayerChain[]> {
  const pointer = encodeMessage(OpSchema, create(OpSchema, { inputs: [{ digest, index: 0n }] }));
  // Its steps were told by the build that they are a part of.
  const services = { ...means.services, steps: new StepReporter(() => undefined, systemClock, signal) };
  const { chains } = await solveGraphs([{ ...definition, def: [...definition.def.slice(0, -1), pointer] }], { ...means, services, onGraph: () => undefined }, signal);
  return chains;
}
