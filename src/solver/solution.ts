import type { CacheKey } from "./cache-key.ts";
import type { Recipe } from "./recipe.ts";

/** What is known of a vertex's results: perhaps the results, in any case how to come by them. */
export interface Solution<R> {
  readonly outputKey: CacheKey;
  /** Made without asking the cache, and therefore perhaps other than what the cache remembers under its key. */
  readonly fresh: boolean;
  readonly alwaysLookedAt: boolean;
  /** What a cache answered; undefined where the vertex has to run for its results. */
  readonly found: readonly R[] | undefined;
  /** True for what a shared cache knows: to look into it may mean to fetch it, or to make it for nothing. */
  readonly elsewhere: boolean;
  /** How others know an output; empty where they cannot, and where nothing is shared. */
  recipes(output: number): readonly Recipe[];
  results(): Promise<readonly R[]>;
  /** The same of what is looked at in every build, for who only looks too. */
  look(): Promise<readonly R[]>;
}

/** One output of a solution, as another vertex uses it. */
export interface SolvedInput<R> {
  readonly solution: Solution<R>;
  readonly index: number;
}

export async function resultOf<R>({ solution, index }: SolvedInput<R>): Promise<R> {
  const result = (await solution.results())[index];
  if (result === undefined) throw new RangeError(`no output ${index}`);
  return result;
}

/** Makes a value once for each key, also where several ask at a time. */
export function remember<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let value = known.get(key);
  if (value === undefined) known.set(key, (value = make()));
  return value;
}
