import type { Digest } from "../content/digest.ts";
import type { Recipe } from "./recipe.ts";

/** What the solver may know of a vertex in the terms of other builders. */
export interface SharedMap<R> {
  /** Names of the operation, any of which will do: a source may have several. Empty where others cannot know it. */
  readonly digests: readonly Digest[];
  /** One for each input; empty for all of it. */
  readonly selectors: readonly string[];
  /** One for each input: how to name what is used of it. Undefined where only what made it counts. */
  readonly contentOf: ReadonlyArray<((input: R, signal: AbortSignal) => Promise<Digest>) | undefined>;
}

/** For what means something in this build only. */
export const NOT_SHARED: { readonly [Member in keyof SharedMap<unknown>]: readonly [] } = { digests: [], selectors: [], contentOf: [] };

/** Results that others made and wrote down, found by how they came to be. */
export interface SharedCache<R> {
  /** The records that tell of this way; they may know of other ways to its inputs. */
  match(recipe: Recipe): readonly Recipe[];
  /** A result of one of these records; undefined where none has one that can still be had. */
  load(records: readonly Recipe[], signal: AbortSignal): Promise<R | undefined>;
}

/** What a build has in common with other builders. */
export interface Sharing<R> {
  /** What is taken from them. */
  readonly cache: SharedCache<R>;
  /** True where they are told of this build: then inputs are also named by content where that is not needed to find anything. */
  readonly tells: boolean;
}
