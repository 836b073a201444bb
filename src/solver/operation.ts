import type { Digest } from "../content/digest.ts";
import type { SharedMap } from "./shared-cache.ts";

/** What the solver may know of a vertex before it runs. */
export interface CacheMap<R> {
  /** Everything about the operation itself that its result depends on, and nothing that it does not (no session, no secret). */
  readonly digest: Digest;
  /** One for each input: how to see what is used of it. Undefined where all of it counts, as in a RUN's root. */
  readonly contentOf: ReadonlyArray<((input: R, signal: AbortSignal) => Promise<Digest>) | undefined>;
  /** False for what must be looked at anew in each build, such as local files: its digest names the content already. */
  readonly reusable: boolean;
  /** Of what is looked at in each build and is there since an earlier one all the same: whether that one needed it. */
  readonly uses?: { had(): boolean; save(results: readonly R[]): void };
  /** The same in the terms of other builders; asked only where a cache is shared with them. */
  readonly shared: () => SharedMap<R>;
}

/** One vertex's work. The solver knows these two questions and nothing of containers. */
export interface Operation<R> {
  /** Asked once for a build. May do what is needed to name the content: resolve a tag, hash a directory. */
  cacheMap(signal: AbortSignal): Promise<CacheMap<R>>;
  /** Told once it is to be executed, while its inputs may still be made: what needs none of them can be made ready meanwhile. */
  prepare?(): void;
  /** Makes ready what the work needs of its inputs, such as files that lie elsewhere: no part of the work, nor of its time. Asked before `execute`. */
  gather?: (inputs: readonly R[], signal: AbortSignal) => Promise<void>;
  /** One result for each output. Asked at most once for a build, and not when a cache had the answer. */
  execute(inputs: readonly R[], signal: AbortSignal): Promise<readonly R[]>;
}

export interface VertexInput {
  readonly vertex: Digest;
  /** Which output of that vertex. */
  readonly index: number;
}

export interface Vertex<R> {
  readonly digest: Digest;
  readonly name: string;
  readonly inputs: readonly VertexInput[];
  /** True for `--no-cache`: run it whatever is remembered. What it makes is remembered all the same. */
  readonly ignoreCache: boolean;
  readonly operation: Operation<R>;
}

/** Vertices by digest. Every input names a vertex of the map; there are no cycles (llb/graph.ts checks both). */
export type Graph<R> = ReadonlyMap<Digest, Vertex<R>>;
