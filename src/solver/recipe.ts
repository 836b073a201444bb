import { digestOf, type Digest } from "../content/digest.ts";

/**
 * How a result came to be, in the terms of BuildKit's cache records, which other builders know too. It is a value: who learns
 * more of an input makes another one.
 */
export interface Recipe {
  /** Of the operation and its output: see `recipeDigest`. */
  readonly digest: Digest;
  /** For each input, all that stands for it: one of them is enough to know it again. Empty for a source. */
  readonly inputs: ReadonlyArray<readonly RecipeInput[]>;
}

export interface RecipeInput {
  readonly recipe: Recipe;
  /** Which part of the input is used; empty for all of it, and for an input that is named by its content. */
  readonly selector: string;
}

/** BuildKit's name for one output of an operation (solver/cachemanager.go, `rootKey`). */
export function recipeDigest(operation: Digest, output: number): Digest {
  return digestOf(Buffer.from(`${operation}@${output}`));
}

/** The output that BuildKit gives to what is named by its content. */
const BY_CONTENT = -1;

export function contentRecipe(content: Digest): Recipe {
  return { digest: recipeDigest(content, BY_CONTENT), inputs: [] };
}
