import type { Digest } from "../content/digest.ts";
import type { Recipe } from "../solver/recipe.ts";
import type { CacheConfig, CacheLayer, CacheLink, CacheRecord, CacheResult } from "./cache-config.ts";

/** A result as a cache has it. */
export interface RecordedResult {
  /** From the base up. */
  readonly blobs: readonly Digest[];
  readonly createdNs: bigint;
}

interface Item {
  readonly digest: Digest;
  readonly inputs: Array<Map<string, ItemLink>>;
  readonly uses: Map<string, Set<Item>>;
  result: RecordedResult | undefined;
}

interface ItemLink {
  readonly item: Item;
  readonly selector: string;
}

/**
 * Puts the ways in which results came to be together into one cache configuration, as BuildKit does (cache/remotecache/v1):
 * what was made in one way is one record, however many other ways to it are known.
 */
export class RecordGraph {
  readonly #items = new Map<Recipe, Item>();
  readonly #roots = new Map<Digest, Item>();
  readonly #all = new Set<Item>();
  readonly #numbers = new Map<Item, number>();

  /** The same recipe may be added again, with a newer result or with none. */
  add(recipe: Recipe, result: RecordedResult | undefined): void {
    const item = this.#itemOf(recipe);
    if (result !== undefined && result.blobs.length > 0 && (item.result === undefined || item.result.createdNs < result.createdNs)) item.result = result;
  }

  /** `layer` tells of a blob what no manifest does; for a cache with a manifest, nothing. */
  config(layer: (blob: Digest) => CacheLayer["annotations"]): CacheConfig {
    const layers = new LayerList(layer);
    const records = this.#records([...this.#all], ({ blobs, createdNs }) => ({ kind: "chain", top: layers.add(blobs), createdNs }));
    return sorted({ layers: layers.all, records });
  }

  /**
   * The records alone, for an image that has these layers: those that have a result, and what leads to them. BuildKit takes the records of
   * several images together, and one of another platform's steps without a result would stand in the way of its own image's.
   */
  recordsFor(layers: readonly Digest[]): readonly CacheRecord[] {
    return sorted({ layers: [], records: this.#records(this.#leadingToResults(), ({ blobs, createdNs }) => {
      const isBelow = blobs.every((blob, i) => layers[i] === blob);
      return isBelow ? { kind: "chain", top: blobs.length - 1, createdNs } : { kind: "picked", layers: blobs.map((blob) => layers.indexOf(blob)), createdNs };
    }) }).records;
  }

  #leadingToResults(): readonly Item[] {
    const found = new Set<Item>();
    const stack = [...this.#all].filter(({ result }) => result !== undefined);
    for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
      if (found.has(item)) continue;
      found.add(item);
      for (const links of item.inputs) for (const link of links.values()) stack.push(link.item);
    }
    return [...this.#all].filter((item) => found.has(item));
  }

  #records(items: readonly Item[], written: (result: RecordedResult) => CacheResult): readonly CacheRecord[] {
    const numbers = new Map(items.map((item, number) => [item, number]));
    return items.map((item): CacheRecord => ({
      digest: item.digest,
      inputs: item.inputs.map((links) => [...links.values()].map((link): CacheLink => ({ selector: link.selector, link: numbers.get(link.item) ?? -1 }))),
      results: item.result === undefined ? [] : [written(item.result)],
    }));
  }

  /** Iterative, since others decide how deep their records go. */
  #itemOf(recipe: Recipe): Item {
    const stack = [recipe];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const missing = top.inputs.flatMap((ways) => ways.map((way) => way.recipe)).filter((each) => !this.#items.has(each));
      if (missing.length > 0 && !this.#items.has(top)) {
        stack.push(...missing);
        continue;
      }
      if (!this.#items.has(top)) this.#items.set(top, this.#place(top));
      stack.pop();
    }
    const item = this.#items.get(recipe);
    if (item === undefined) throw new RangeError("a recipe that was not placed");
    return item;
  }

  #place({ digest, inputs }: Recipe): Item {
    const links = inputs.map((ways) => ways.flatMap(({ recipe, selector }): ItemLink[] => {
      const item = this.#items.get(recipe);
      return item === undefined ? [] : [{ item, selector }];
    }));
    const item = this.#known(digest, links) ?? this.#create(digest);
    for (const [index, ways] of links.entries()) {
      const known = (item.inputs[index] ??= new Map());
      for (const link of ways) {
        // A way that leads back to what it leads to is none.
        if (leadsTo(link.item, item)) continue;
        known.set(`${this.#numberOf(link.item)} ${link.selector}`, link);
        const how = usage(digest, index, link.selector);
        link.item.uses.set(how, (link.item.uses.get(how) ?? new Set()).add(item));
      }
    }
    return item;
  }

  #create(digest: Digest): Item {
    const item: Item = { digest, inputs: [], uses: new Map(), result: undefined };
    this.#all.add(item);
    return item;
  }

  #known(digest: Digest, links: ReadonlyArray<readonly ItemLink[]>): Item | undefined {
    if (links.length === 0) {
      const root = this.#roots.get(digest) ?? this.#create(digest);
      this.#roots.set(digest, root);
      return root;
    }
    const [first = new Set<Item>(), ...others] = links.map((ways, index) => new Set(ways.flatMap(({ item, selector }) => [...(item.uses.get(usage(digest, index, selector)) ?? [])])));
    return [...first].find((item) => others.every((users) => users.has(item)));
  }

  #numberOf(item: Item): number {
    const number = this.#numbers.get(item) ?? this.#numbers.size;
    this.#numbers.set(item, number);
    return number;
  }
}

function usage(digest: Digest, input: number, selector: string): string {
  return `${digest} ${input} ${selector}`;
}

/** Whether `target` is what `item` was made of, over however many steps. New items are made of nothing yet. */
function leadsTo(item: Item, target: Item): boolean {
  if (target.uses.size === 0) return item === target;
  const seen = new Set<Item>();
  const stack = [item];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top === target) return true;
    if (seen.has(top)) continue;
    seen.add(top);
    for (const links of top.inputs) for (const link of links.values()) stack.push(link.item);
  }
  return false;
}

/** Layers by what they stand on: one blob on two bases is two layers. */
class LayerList {
  readonly all: CacheLayer[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #annotations: (blob: Digest) => CacheLayer["annotations"];

  constructor(annotations: (blob: Digest) => CacheLayer["annotations"]) {
    this.#annotations = annotations;
  }

  /** Returns the top one's index. */
  add(blobs: readonly Digest[]): number {
    let parent = -1;
    for (const blob of blobs) {
      const key = `${parent} ${blob}`;
      const known = this.#indexes.get(key) ?? this.all.push({ blob, parent, annotations: this.#annotations(blob) }) - 1;
      this.#indexes.set(key, known);
      parent = known;
    }
    return parent;
  }
}

/** BuildKit's order (cache/remotecache/v1/utils.go), so that what is equal has equal bytes. */
function sorted({ layers, records }: CacheConfig): CacheConfig {
  const layerOrder = [...layers.keys()].toSorted((a, b) => compareLayers(layers, a, b));
  const newLayer = inverse(layerOrder);
  const recordOrder = [...records.keys()].toSorted((a, b) => compareRecords(records, a, b));
  const newRecord = inverse(recordOrder);
  return {
    layers: layerOrder.flatMap((index) => {
      const layer = layers[index];
      return layer === undefined ? [] : [{ ...layer, parent: newLayer.get(layer.parent) ?? -1 }];
    }),
    records: recordOrder.flatMap((index) => {
      const record = records[index];
      if (record === undefined) return [];
      const inputs = record.inputs.map((links) => links.map(({ selector, link }) => ({ selector, link: newRecord.get(link) ?? -1 })).toSorted((a, b) => a.link - b.link || compareText(a.selector, b.selector)));
      return [{ ...record, inputs, results: record.results.map((result) => (result.kind === "chain" ? { ...result, top: newLayer.get(result.top) ?? result.top } : result)) }];
    }),
  };
}

function inverse(order: readonly number[]): ReadonlyMap<number, number> {
  return new Map(order.map((old, now) => [old, now]));
}

function compareLayers(layers: readonly CacheLayer[], a: number, b: number): number {
  return compareText(layers[a]?.blob ?? "", layers[b]?.blob ?? "") || (layers[a]?.parent ?? -1) - (layers[b]?.parent ?? -1);
}

function compareRecords(records: readonly CacheRecord[], a: number, b: number): number {
  const [left, right] = [records[a], records[b]];
  if (left === undefined || right === undefined) return 0;
  return compareText(left.digest, right.digest) || left.inputs.length - right.inputs.length || compareInputs(records, left, right);
}

function compareInputs(records: readonly CacheRecord[], left: CacheRecord, right: CacheRecord): number {
  for (const [i, links] of left.inputs.entries()) {
    const others = right.inputs[i] ?? [];
    if (links.length !== others.length) return links.length - others.length;
    const names = (each: readonly CacheLink[]): readonly string[] => each.map(({ selector, link }) => `${selector} ${records[link]?.digest}`).toSorted();
    const order = compareText(names(links).join("\n"), names(others).join("\n"));
    if (order !== 0) return order;
  }
  return 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
