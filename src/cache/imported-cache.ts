import type { Digest } from "../content/digest.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Recipe, RecipeInput } from "../solver/recipe.ts";
import type { SharedCache } from "../solver/shared-cache.ts";
import type { CacheConfig, CacheResult } from "./cache-config.ts";

/** Makes layers of what a result names; undefined where that cannot be had. */
export type OpenResult = (result: CacheResult, signal: AbortSignal) => Promise<LayerChain | undefined>;

/** Recipes that are records of a cache. Those of another cache are not looked for: what they stand for is asked by a recipe of its own. */
const imported = new WeakSet<Recipe>();

/** A cache that others wrote, whose configuration was read and checked. Layers are looked for when a result is asked for. */
export function importedCache(config: CacheConfig, open: OpenResult): SharedCache<LayerChain> {
  return new ImportedCache(config, open);
}

interface ImportedRecord extends Recipe {
  readonly inputs: RecipeInput[][];
  readonly results: readonly CacheResult[];
  /** What was made of this one, by how: see `usage`. */
  readonly uses: Map<string, Set<ImportedRecord>>;
}

class ImportedCache implements SharedCache<LayerChain> {
  readonly #open: OpenResult;
  readonly #records: ReadonlySet<Recipe>;
  readonly #roots = new Map<Digest, ImportedRecord[]>();
  readonly #matched = new WeakMap<Recipe, readonly ImportedRecord[]>();
  readonly #opened = new Map<ImportedRecord, Promise<LayerChain | undefined>>();

  constructor(config: CacheConfig, open: OpenResult) {
    this.#open = open;
    const records = config.records.map(({ digest, results }): ImportedRecord => ({ digest, results: newestFirst(results), inputs: [], uses: new Map() }));
    for (const [index, { inputs }] of config.records.entries()) this.#link(records, index, inputs);
    for (const record of records) imported.add(record);
    this.#records = new Set(records);
  }

  match(recipe: Recipe): readonly ImportedRecord[] {
    // Its own are of this type by construction.
    if (imported.has(recipe)) return this.#records.has(recipe) ? [recipe as ImportedRecord] : [];
    let matched = this.#matched.get(recipe);
    if (matched === undefined) this.#matched.set(recipe, (matched = this.#find(recipe)));
    return matched;
  }

  async load(records: readonly Recipe[], signal: AbortSignal): Promise<LayerChain | undefined> {
    for (const record of records.flatMap((each) => (this.#records.has(each) ? this.match(each) : []))) {
      let opened = this.#opened.get(record);
      if (opened === undefined) this.#opened.set(record, (opened = this.#openFirst(record, signal)));
      const chain = await opened;
      if (chain !== undefined) return chain;
    }
    return undefined;
  }

  async #openFirst({ results }: ImportedRecord, signal: AbortSignal): Promise<LayerChain | undefined> {
    for (const result of results) {
      const chain = await this.#open(result, signal);
      if (chain !== undefined) return chain;
    }
    return undefined;
  }

  /** What stands in every input, by whichever way. */
  #find({ digest, inputs }: Recipe): readonly ImportedRecord[] {
    if (inputs.length === 0) return this.#roots.get(digest) ?? [];
    const [first = new Set<ImportedRecord>(), ...others] = inputs.map((ways, index) => {
      const users = ways.flatMap(({ recipe, selector }) => this.match(recipe).flatMap((record) => [...(record.uses.get(usage(digest, index, selector)) ?? [])]));
      return new Set(users);
    });
    return [...first].filter((record) => others.every((users) => users.has(record)));
  }

  #link(records: readonly ImportedRecord[], index: number, inputs: CacheConfig["records"][number]["inputs"]): void {
    const record = records[index];
    if (record === undefined) return;
    if (inputs.length === 0) this.#roots.set(record.digest, [...(this.#roots.get(record.digest) ?? []), record]);
    for (const [input, links] of inputs.entries()) {
      record.inputs[input] = links.flatMap(({ selector, link }) => {
        const recipe = records[link];
        if (recipe === undefined) return [];
        const how = usage(record.digest, input, selector);
        recipe.uses.set(how, (recipe.uses.get(how) ?? new Set()).add(record));
        return [{ recipe, selector }];
      });
    }
  }
}

function usage(digest: Digest, input: number, selector: string): string {
  return `${digest} ${input} ${selector}`;
}

function newestFirst(results: readonly CacheResult[]): readonly CacheResult[] {
  return results.toSorted((a, b) => (a.createdNs > b.createdNs ? -1 : a.createdNs < b.createdNs ? 1 : 0));
}

/** Several caches as one; an earlier one is asked first. */
export function combinedCaches(caches: ReadonlyArray<SharedCache<LayerChain>>): SharedCache<LayerChain> {
  return {
    match: (recipe) => caches.flatMap((cache) => cache.match(recipe)),
    async load(records, signal) {
      for (const cache of caches) {
        const chain = await cache.load(records, signal);
        if (chain !== undefined) return chain;
      }
      return undefined;
    },
  };
}
