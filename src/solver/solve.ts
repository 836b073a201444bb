import type { Digest } from "../content/digest.ts";
import { cacheKey, type CacheKey, type KeyedInput } from "./cache-key.ts";
import { missReason, type HitReason, type KeyParts, type MissReason } from "./miss-reason.ts";
import type { CacheMap, Vertex, VertexInput } from "./operation.ts";
import type { SolveContext } from "./solve-context.ts";
import { VertexError } from "./vertex-error.ts";

/**
 * Finds the results of vertices, and runs only what no cache can answer for.
 *
 * A vertex has two keys. The *made-by* key follows from the keys of its inputs and is known
 * without any result. The *content* key replaces the keys of those inputs of which only a part
 * is used by the digest of that part, and so survives a change elsewhere; it needs the inputs'
 * results. We ask with the first, then with the second, then run; and what we learn is saved
 * under both. See docs/solver.md.
 */
export class Solver<R> {
  readonly #context: SolveContext<R>;
  readonly #solutions = new Map<Digest, Promise<Solution<R>>>();
  /** Work in flight or done, by key: two vertices that would do the same do it once. */
  readonly #running = new Map<CacheKey, Promise<readonly R[]>>();
  readonly #failed = new AbortController();
  readonly #active = new Set<Promise<unknown>>();

  constructor(context: SolveContext<R>) {
    this.#context = context;
  }

  /**
   * The result of one output. Rejects with VertexError or with signal.reason, once nothing of
   * this solver's runs any more: the first failure stops all other work.
   */
  async result(target: VertexInput, signal: AbortSignal): Promise<R> {
    const either = AbortSignal.any([signal, this.#failed.signal]);
    try {
      const solution = await this.#solution(this.#vertex(target.vertex), either);
      return await resultOf({ solution, index: target.index });
    } catch (error) {
      this.#failed.abort(error);
      await Promise.allSettled(this.#active);
      signal.throwIfAborted();
      throw this.#failed.signal.reason;
    }
  }

  /**
   * The results of a vertex where this solver has them; undefined where nobody needed them. Runs nothing, but for
   * what is looked at in every build: that has done its work when it was keyed, and is known in every build alike.
   */
  async known(vertex: Digest): Promise<readonly R[] | undefined> {
    const solution = await this.#solutions.get(vertex);
    if (solution === undefined) return undefined;
    return solution.found ?? (await (solution.alwaysLookedAt ? solution.results() : this.#running.get(solution.outputKey)));
  }

  #vertex(digest: Digest): Vertex<R> {
    const vertex = this.#context.graph.get(digest);
    if (vertex === undefined) throw new RangeError(`no vertex ${digest}`);
    return vertex;
  }

  #solution(vertex: Vertex<R>, signal: AbortSignal): Promise<Solution<R>> {
    return remember(this.#solutions, vertex.digest, () => this.#solve(vertex, signal));
  }

  async #solve(vertex: Vertex<R>, signal: AbortSignal): Promise<Solution<R>> {
    const mapped = this.#cacheMap(vertex, signal);
    const [map, inputs] = await Promise.all([mapped, this.#inputs(vertex, mapped, signal)]);
    const parts: KeyParts = { operation: map.digest, inputs: inputs.map(madeByInput) };
    const madeBy = cacheKey(parts.operation, parts.inputs);
    if (!map.reusable) {
      this.#context.observer.missed(vertex, { kind: "always" });
      return this.#toRun(vertex, { keys: [madeBy], fresh: false, save: false, inputs, parts, why: undefined }, signal);
    }
    // Before the cache is asked: what another process saves meanwhile is then an answer, and no reason.
    const last = this.#context.keys.last(vertex);
    const freshInputs = inputs.flatMap(({ solution }, i) => (solution.fresh && map.contentOf[i] === undefined ? [i] : []));
    const fresh = vertex.ignoreCache || freshInputs.length > 0;
    const why = (now: KeyParts): MissReason => (vertex.ignoreCache ? { kind: "no-cache" } : fresh ? { kind: "input-no-cache", inputs: freshInputs } : missReason(now, last));
    const anyFresh = fresh || inputs.some(({ solution }) => solution.fresh);
    const known = anyFresh ? undefined : await this.#find(vertex, { key: madeBy, reason: "unchanged" }, signal);
    if (known !== undefined) return known;
    const byContent = map.contentOf.some((contentOf) => contentOf !== undefined);
    if (!byContent) return this.#toRun(vertex, { keys: [madeBy], fresh, save: true, inputs, parts, why: why(parts) }, signal);

    const used: KeyParts = { operation: map.digest, inputs: await this.#usedContents(vertex, map, inputs, signal) };
    const contentKey = cacheKey(used.operation, used.inputs);
    const found = fresh ? undefined : await this.#find(vertex, { key: contentKey, reason: "same-content" }, signal);
    if (found === undefined) return this.#toRun(vertex, { keys: [contentKey, madeBy], fresh, save: true, inputs, parts: used, why: why(used) }, signal);
    await this.#context.cache.save(madeBy, { outputKey: found.outputKey, results: await found.results() });
    return found;
  }

  #cacheMap(vertex: Vertex<R>, signal: AbortSignal): Promise<CacheMap<R>> {
    return this.#track(() => this.#blame(vertex, () => this.#context.observer.keying(vertex, () => vertex.operation.cacheMap(signal))));
  }

  async #inputs(vertex: Vertex<R>, mapped: Promise<CacheMap<R>>, signal: AbortSignal): Promise<SolvedInput<R>[]> {
    return await Promise.all(vertex.inputs.map(async ({ vertex: digest, index }, i) => {
      const solution = await this.#solution(this.#vertex(digest), signal);
      if ((await mapped).contentOf[i] !== undefined) startEarly(solution);
      return { solution, index };
    }));
  }

  async #usedContents(vertex: Vertex<R>, map: CacheMap<R>, inputs: readonly SolvedInput<R>[], signal: AbortSignal): Promise<readonly KeyedInput[]> {
    return await Promise.all(inputs.map(async (input, i): Promise<KeyedInput> => {
      const contentOf = map.contentOf[i];
      if (contentOf === undefined) return madeByInput(input);
      const result = await resultOf(input);
      return { kind: "content", digest: await this.#track(() => this.#blame(vertex, () => this.#context.observer.keying(vertex, () => contentOf(result, signal)))) };
    }));
  }

  async #find(vertex: Vertex<R>, { key, reason }: { readonly key: CacheKey; readonly reason: HitReason }, signal: AbortSignal): Promise<Solution<R> | undefined> {
    const record = await this.#context.cache.find(key, signal);
    if (record === undefined) return undefined;
    this.#context.observer.cached(vertex, reason);
    return { outputKey: record.outputKey, fresh: false, alwaysLookedAt: false, found: record.results, results: () => Promise.resolve(record.results) };
  }

  /** Nothing runs until somebody asks for the results: a later vertex may be known without them. */
  #toRun(vertex: Vertex<R>, work: Work<R>, signal: AbortSignal): Solution<R> {
    const [outputKey] = work.keys;
    const results = (): Promise<readonly R[]> => remember(this.#running, outputKey, () => this.#run(vertex, work, signal));
    return { outputKey, fresh: work.fresh, alwaysLookedAt: !work.save, found: undefined, results };
  }

  async #run(vertex: Vertex<R>, work: Work<R>, signal: AbortSignal): Promise<readonly R[]> {
    const made = this.#context.made.get(work.keys[0]);
    if (made !== undefined) return made;
    const inputs = await Promise.all(work.inputs.map(resultOf));
    using _ = await this.#context.semaphore.acquire(signal);

    if (work.why !== undefined) this.#context.observer.missed(vertex, work.why);
    const results = await this.#track(() => this.#blame(vertex, () => this.#context.observer.running(vertex, () => vertex.operation.execute(inputs, signal))));
    this.#context.made.set(work.keys[0], results);
    this.#context.observer.made(vertex, results);
    if (!work.save) return results;
    for (const key of work.keys) await this.#context.cache.save(key, { outputKey: work.keys[0], results });
    this.#context.keys.save(vertex, work.parts);
    return results;
  }

  /** Says whose failure it is, and stops the rest. What fails because it was stopped is nobody's failure. */
  async #blame<T>(vertex: Vertex<R>, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!this.#failed.signal.aborted) this.#failed.abort(new VertexError(vertex.digest, vertex.name, error));
      throw error;
    }
  }

  #track<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#active.add(running);
    const done = (): void => void this.#active.delete(running);
    running.then(done, done);
    return running;
  }
}

interface Solution<R> {
  readonly outputKey: CacheKey;
  /** Made without asking the cache, and therefore perhaps other than what the cache remembers under its key. */
  readonly fresh: boolean;
  readonly alwaysLookedAt: boolean;
  /** What a cache answered; undefined where the vertex has to run for its results. */
  readonly found: readonly R[] | undefined;
  results(): Promise<readonly R[]>;
}

interface SolvedInput<R> {
  readonly solution: Solution<R>;
  readonly index: number;
}

interface Work<R> {
  /** The first one stands for the results; they can be found under all. */
  readonly keys: readonly [CacheKey, ...CacheKey[]];
  readonly fresh: boolean;
  readonly save: boolean;
  readonly inputs: readonly SolvedInput<R>[];
  readonly parts: KeyParts;
  /** Undefined where it has been told. */
  readonly why: MissReason | undefined;
}

function madeByInput<R>({ solution, index }: SolvedInput<R>): KeyedInput {
  return { kind: "made-by", key: solution.outputKey, index };
}

/**
 * What no cache knows will be run for its content, unless a record that was made from it is still there when its own is gone. To wait
 * for the other inputs first would build stages one after the other.
 */
function startEarly<R>(solution: Solution<R>): void {
  // Who needs the results meets the failure there.
  if (solution.found === undefined && !solution.alwaysLookedAt) solution.results().catch(() => undefined);
}

async function resultOf<R>({ solution, index }: SolvedInput<R>): Promise<R> {
  const result = (await solution.results())[index];
  if (result === undefined) throw new RangeError(`no output ${index}`);
  return result;
}

function remember<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let value = known.get(key);
  if (value === undefined) known.set(key, (value = make()));
  return value;
}
