import type { CacheKey } from "./cache-key.ts";
import type { HitReason, KeyHistory, MissReason } from "./miss-reason.ts";
import type { Graph, Vertex } from "./operation.ts";
import type { ResultCache } from "./result-cache.ts";
import type { Sharing } from "./shared-cache.ts";
import type { Semaphore } from "./semaphore.ts";

/** Told of what happens to each vertex; turns it into progress, and failures into VertexErrors. */
export interface SolveObserver<R> {
  /** The work of naming an operation's content. It shows only where it does something worth showing. */
  keying<T>(vertex: Vertex<R>, work: () => Promise<T>): Promise<T>;
  running<T>(vertex: Vertex<R>, work: () => Promise<T>): Promise<T>;
  /** Told what a cache has for a vertex. */
  cached(vertex: Vertex<R>, reason: HitReason, results: readonly R[]): void;
  /** Told when somebody asks for what is there of a source, which has done its work before: that of naming it. */
  loaded(vertex: Vertex<R>, reason: HitReason): void;
  /** Told before a vertex runs. */
  missed(vertex: Vertex<R>, reason: MissReason): void;
  /** Told what a vertex made. */
  made(vertex: Vertex<R>, results: readonly R[]): void;
}

export interface SolveContext<R> {
  readonly graph: Graph<R>;
  readonly cache: ResultCache<R>;
  /** Undefined where no cache is shared with others: then nothing is named for them. */
  readonly sharing: Sharing<R> | undefined;
  readonly observer: SolveObserver<R>;
  readonly keys: KeyHistory<Vertex<R>>;
  /** What was made in this build by now, by key, also by solvers before this one: nothing is made twice in one build. */
  readonly made: Map<CacheKey, readonly R[]>;
  /** Bounds how many operations run at a time. */
  readonly semaphore: Semaphore;
}
