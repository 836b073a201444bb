import type { Digest } from "../content/digest.ts";
import { contentRecipe, recipeDigest, type Recipe, type RecipeInput } from "./recipe.ts";
import type { SharedCache, SharedMap } from "./shared-cache.ts";
import type { SolvedInput } from "./solution.ts";

/** How others may know the outputs of one vertex: its own recipe, and the records that tell of the same. */
export class VertexRecipes<R> {
  readonly map: SharedMap<R>;
  readonly #inputs: readonly SolvedInput<R>[];
  readonly #contents: ReadonlyMap<number, Digest>;
  readonly #cache: SharedCache<R>;
  readonly #made = new Map<number, { readonly own: readonly Recipe[]; readonly matched: readonly Recipe[] }>();

  constructor(map: SharedMap<R>, inputs: readonly SolvedInput<R>[], { contents, cache }: { readonly contents: ReadonlyMap<number, Digest>; readonly cache: SharedCache<R> }) {
    this.map = map;
    this.#inputs = inputs;
    this.#contents = contents;
    this.#cache = cache;
  }

  /** The same with more inputs named by their content. */
  with(contents: ReadonlyMap<number, Digest>): VertexRecipes<R> {
    return new VertexRecipes(this.map, this.#inputs, { contents: new Map([...this.#contents, ...contents]), cache: this.#cache });
  }

  isNamed(input: number): boolean {
    return this.#contents.has(input);
  }

  /** The records of a shared cache for an output. */
  matched(output: number): readonly Recipe[] {
    return this.#of(output).matched;
  }

  all(output: number): readonly Recipe[] {
    const { own, matched } = this.#of(output);
    return [...own, ...matched];
  }

  #of(output: number): { readonly own: readonly Recipe[]; readonly matched: readonly Recipe[] } {
    let made = this.#made.get(output);
    if (made === undefined) {
      const inputs = this.#inputs.map((_input, i) => this.#waysTo(i));
      const isKnown = inputs.every((ways) => ways.length > 0);
      const own = isKnown ? this.map.digests.map((digest): Recipe => ({ digest: recipeDigest(digest, output), inputs })) : [];
      made = { own, matched: own.flatMap((recipe) => this.#cache.match(recipe)) };
      this.#made.set(output, made);
    }
    return made;
  }

  #waysTo(input: number): readonly RecipeInput[] {
    const content = this.#contents.get(input);
    const solved = this.#inputs[input];
    const madeBy = (solved?.solution.recipes(solved.index) ?? []).map((recipe): RecipeInput => ({ recipe, selector: this.map.selectors[input] ?? "" }));
    return content === undefined ? madeBy : [...madeBy, { recipe: contentRecipe(content), selector: "" }];
  }
}
