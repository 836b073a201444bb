import type { Digest } from "../content/digest.ts";
import { cacheKey, type CacheKey, type KeyedInput } from "./cache-key.ts";
import { missReason, type HitReason, type KeyParts, type MissReason } from "./miss-reason.ts";
import type { CacheMap, Vertex, VertexInput } from "./operation.ts";
import type { Recipe } from "./recipe.ts";
import type { CacheRecord } from "./result-cache.ts";
import { remember, resultOf, type Solution, type SolvedInput } from "./solution.ts";
import type { SolveContext } from "./solve-context.ts";
import { VertexError } from "./vertex-error.ts";
import { VertexRecipes } from "./vertex-recipes.ts";

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
  /** For each vertex one more than the highest output that is used. */
  readonly #used = new Map<Digest, number>();

  constructor(context: SolveContext<R>) {
    this.#context = context;
    for (const { inputs } of context.graph.values()) for (const input of inputs) this.#use(input);
  }

  /**
   * The result of one output. Rejects with VertexError or with signal.reason, once nothing of
   * this solver's runs any more: the first failure stops all other work.
   */
  async result(target: VertexInput, signal: AbortSignal): Promise<R> {
    const either = AbortSignal.any([signal, this.#failed.signal]);
    this.#use(target);
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
    return solution.found ?? (await (solution.alwaysLookedAt ? solution.look() : this.#running.get(solution.outputKey)));
  }

  /** How others may know an output, as far as this solver has come to it. */
  async recipes({ vertex, index }: VertexInput): Promise<readonly Recipe[]> {
    return (await this.#solutions.get(vertex))?.recipes(index) ?? [];
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
    const recipes = await this.#recipes(vertex, map, inputs, signal);
    if (!map.reusable) {
      this.#context.observer.missed(vertex, { kind: "always" });
      return this.#toRun(vertex, { keys: [madeBy], fresh: false, save: false, inputs, recipes, parts, why: undefined, ...(map.uses === undefined ? {} : { uses: map.uses }) }, signal);
    }
    // Before the cache is asked: what another process saves meanwhile is then an answer, and no reason.
    const last = this.#context.keys.last(vertex);
    const freshInputs = inputs.flatMap(({ solution }, i) => (solution.fresh && map.contentOf[i] === undefined ? [i] : []));
    const fresh = vertex.ignoreCache || freshInputs.length > 0;
    const why = (now: KeyParts): MissReason => (vertex.ignoreCache ? { kind: "no-cache" } : fresh ? { kind: "input-no-cache", inputs: freshInputs } : missReason(now, last));
    const anyFresh = fresh || inputs.some(({ solution }) => solution.fresh);
    const known = anyFresh ? undefined : ((await this.#find(vertex, { key: madeBy, reason: "unchanged", recipes }, signal)) ?? (await this.#findShared(vertex, madeBy, recipes, signal)));
    if (known !== undefined) return known;
    const byContent = map.contentOf.some((contentOf) => contentOf !== undefined);
    if (!byContent) return this.#toRun(vertex, { keys: [madeBy], fresh, save: true, inputs, recipes, parts, why: why(parts) }, signal);
    const byUse = (): Promise<Solution<R>> => this.#solveByContent({ vertex, map, inputs, madeBy, fresh, why, recipes }, signal);
    // A later vertex may be found by what others know of this one: its inputs are not made for the sake of a look.
    return anyFresh || !isKnownElsewhere(recipes) ? await byUse() : this.#later(madeBy, recipes, byUse);
  }

  async #solveByContent({ vertex, map, inputs, madeBy, fresh, why, recipes }: Keyed<R>, signal: AbortSignal): Promise<Solution<R>> {
    const used: KeyParts = { operation: map.digest, inputs: await this.#usedContents(vertex, map, inputs, signal) };
    const contentKey = cacheKey(used.operation, used.inputs);
    const named = await this.#named(vertex, inputs, { recipes, wanted: (input, i) => map.contentOf[i] !== undefined || input.solution.recipes(input.index).length === 0 }, signal);
    const found = fresh ? undefined : ((await this.#find(vertex, { key: contentKey, reason: "same-content", recipes: named }, signal)) ?? (await this.#findShared(vertex, contentKey, named, signal)));
    if (found === undefined) return this.#toRun(vertex, { keys: [contentKey, madeBy], fresh, save: true, inputs, recipes: named, parts: used, why: why(used) }, signal);
    await this.#context.cache.save(madeBy, { outputKey: found.outputKey, results: await found.results() });
    return found;
  }

  /** Known by name only, until somebody asks for the results. */
  #later(madeBy: CacheKey, recipes: VertexRecipes<R> | undefined, solve: () => Promise<Solution<R>>): Solution<R> {
    const results = (): Promise<readonly R[]> => remember(this.#running, madeBy, async () => await (await solve()).results());
    return { outputKey: madeBy, fresh: false, alwaysLookedAt: false, found: undefined, elsewhere: true, recipes: (output) => recipes?.all(output) ?? [], results, look: results };
  }

  /** How others know this vertex, so far: what they can know of an input by its content only is named where that costs no run. */
  async #recipes(vertex: Vertex<R>, map: CacheMap<R>, inputs: readonly SolvedInput<R>[], signal: AbortSignal): Promise<VertexRecipes<R> | undefined> {
    const { sharing } = this.#context;
    if (sharing === undefined) return undefined;
    const recipes = new VertexRecipes(map.shared(), inputs, { contents: new Map(), cache: sharing.cache });
    const isAtHand = ({ solution, index }: SolvedInput<R>): boolean => (solution.alwaysLookedAt ? solution.recipes(index).length === 0 : sharing.tells && solution.found !== undefined && !solution.elsewhere);
    return await this.#named(vertex, inputs, { recipes, wanted: isAtHand }, signal);
  }

  async #named(vertex: Vertex<R>, inputs: readonly SolvedInput<R>[], { recipes, wanted }: NameParts<R>, signal: AbortSignal): Promise<VertexRecipes<R> | undefined> {
    if (recipes === undefined) return undefined;
    const named = await Promise.all(inputs.map(async (input, i): Promise<Array<[number, Digest]>> => {
      const contentOf = recipes.map.contentOf[i];
      if (contentOf === undefined || recipes.isNamed(i) || !wanted(input, i)) return [];
      const result = await resultOf(input);
      return [[i, await this.#track(() => this.#blame(vertex, () => this.#context.observer.keying(vertex, () => contentOf(result, signal))))]];
    }));
    return recipes.with(new Map(named.flat()));
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

  async #find(vertex: Vertex<R>, { key, reason, recipes }: LocalLook<R>, signal: AbortSignal): Promise<Solution<R> | undefined> {
    const record = await this.#context.cache.find(key, signal);
    // What a shared cache knew of a vertex may be less than all its outputs.
    if (record === undefined || record.results.length < this.#outputs(vertex)) return undefined;
    this.#context.observer.cached(vertex, reason, record.results);
    const results = this.#loaded(vertex, record, reason);
    return { outputKey: record.outputKey, fresh: false, alwaysLookedAt: false, found: record.results, elsewhere: false, recipes: (output) => recipes?.all(output) ?? [], results, look: results };
  }

  async #findShared(vertex: Vertex<R>, key: CacheKey, recipes: VertexRecipes<R> | undefined, signal: AbortSignal): Promise<Solution<R> | undefined> {
    const { sharing } = this.#context;
    if (sharing === undefined || recipes === undefined) return undefined;
    const results: R[] = [];
    for (let output = 0; output < this.#outputs(vertex); output++) {
      const result = await this.#track(() => sharing.cache.load(recipes.matched(output), signal));
      if (result === undefined) return undefined;
      results.push(result);
    }
    this.#context.observer.cached(vertex, "imported", results);
    await this.#context.cache.save(key, { outputKey: key, results });
    const asked = this.#loaded(vertex, { outputKey: key, results }, "imported");
    return { outputKey: key, fresh: false, alwaysLookedAt: false, found: results, elsewhere: true, recipes: (output) => recipes.all(output), results: asked, look: asked };
  }

  /** What a cache had. Of a source it is told when it is asked for, as BuildKit does; it may be for the key only that it was looked at. */
  #loaded(vertex: Vertex<R>, { outputKey, results }: CacheRecord<R>, reason: HitReason): () => Promise<readonly R[]> {
    const isOfThisBuild = this.#context.made.has(outputKey);
    return () => {
      if (vertex.inputs.length === 0 && !isOfThisBuild) this.#context.observer.loaded(vertex, reason);
      return Promise.resolve(results);
    };
  }

  /** How many outputs of a vertex are used, counted from the first. */
  #outputs({ digest }: Vertex<R>): number {
    return this.#used.get(digest) ?? 1;
  }

  #use({ vertex, index }: VertexInput): void {
    this.#used.set(vertex, Math.max(this.#used.get(vertex) ?? 1, index + 1));
  }

  /** Nothing runs until somebody asks for the results: a later vertex may be known without them. */
  #toRun(vertex: Vertex<R>, work: Work<R>, signal: AbortSignal): Solution<R> {
    const [outputKey] = work.keys;
    const look = (): Promise<readonly R[]> => this.#run(vertex, work, signal);
    const results = (): Promise<readonly R[]> => remember(this.#running, outputKey, async () => {
      const { uses } = work;
      if (uses === undefined || this.#context.made.has(outputKey)) return await look();
      if (uses.had()) this.#context.observer.loaded(vertex, "unchanged");
      const made = await look();
      uses.save(made);
      return made;
    });
    return { outputKey, fresh: work.fresh, alwaysLookedAt: !work.save, found: undefined, elsewhere: isKnownElsewhere(work.recipes), recipes: (output) => work.recipes?.all(output) ?? [], results, look };
  }

  async #run(vertex: Vertex<R>, work: Work<R>, signal: AbortSignal): Promise<readonly R[]> {
    const made = this.#context.made.get(work.keys[0]);
    if (made !== undefined) return made;
    vertex.operation.prepare?.();
    const inputs = await Promise.all(work.inputs.map(resultOf));
    using _ = await this.#context.semaphore.acquire(signal);
    const { gather } = vertex.operation;
    if (gather !== undefined) await this.#track(() => this.#blame(vertex, () => this.#context.observer.keying(vertex, () => gather(inputs, signal))));

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

interface Work<R> {
  /** The first one stands for the results; they can be found under all. */
  readonly keys: readonly [CacheKey, ...CacheKey[]];
  readonly fresh: boolean;
  readonly save: boolean;
  readonly inputs: readonly SolvedInput<R>[];
  readonly recipes: VertexRecipes<R> | undefined;
  readonly parts: KeyParts;
  /** Undefined where it has been told. */
  readonly why: MissReason | undefined;
  readonly uses?: NonNullable<CacheMap<R>["uses"]>;
}

/** A vertex of which it is known what made its inputs. */
interface Keyed<R> {
  readonly vertex: Vertex<R>;
  readonly map: CacheMap<R>;
  readonly inputs: readonly SolvedInput<R>[];
  readonly madeBy: CacheKey;
  readonly fresh: boolean;
  readonly why: (now: KeyParts) => MissReason;
  readonly recipes: VertexRecipes<R> | undefined;
}

interface LocalLook<R> {
  readonly key: CacheKey;
  readonly reason: HitReason;
  readonly recipes: VertexRecipes<R> | undefined;
}

interface NameParts<R> {
  readonly recipes: VertexRecipes<R> | undefined;
  /** Which inputs are to be named by their content, of those that can be. */
  readonly wanted: (input: SolvedInput<R>, index: number) => boolean;
}

function isKnownElsewhere<R>(recipes: VertexRecipes<R> | undefined): boolean {
  return recipes !== undefined && recipes.matched(0).length > 0;
}

function madeByInput<R>({ solution, index }: SolvedInput<R>): KeyedInput {
  return { kind: "made-by", key: solution.outputKey, index };
}

/**
 * What no cache knows will be run for its content, unless a record that was made from it is still there when its own is gone. To wait
 * for the other inputs first would build stages one after the other. What a shared cache knows by name may never be needed.
 */
function startEarly<R>(solution: Solution<R>): void {
  // Who needs the results meets the failure there.
  if (solution.found === undefined && !solution.alwaysLookedAt && !solution.elsewhere) solution.results().catch(() => undefined);
}
