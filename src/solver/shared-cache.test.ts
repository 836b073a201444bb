import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, type Digest } from "../content/digest.ts";
import { memoryKeyHistory } from "./miss-reason.ts";
import type { Vertex } from "./operation.ts";
import type { Recipe } from "./recipe.ts";
import { memoryResultCache } from "./result-cache.ts";
import { Semaphore } from "./semaphore.ts";
import type { SharedCache } from "./shared-cache.ts";
import { Solver } from "./solve.ts";

const never = new AbortController().signal;
const named = (name: string): Digest => digestOf(Buffer.from(name));

interface Step {
  readonly inputs?: readonly string[];
  /** Names the last input by what this takes of it. */
  readonly part?: (text: string) => string;
  readonly output?: string;
  /** Files of a client: others know them by content only. */
  readonly isLocal?: boolean;
  readonly ignoreCache?: boolean;
}

type Steps = Readonly<Record<string, Step>>;

/** What one machine told, for another one: by each way that leads to a result. */
class Told implements SharedCache<string> {
  readonly #results = new Map<string, string | undefined>();

  add(recipe: Recipe, result: string | undefined): void {
    for (const way of waysOf(recipe)) this.#results.set(way, result);
  }

  match(recipe: Recipe): readonly Recipe[] {
    return waysOf(recipe).some((way) => this.#results.has(way)) ? [recipe] : [];
  }

  async load(records: readonly Recipe[]): Promise<string | undefined> {
    return records.flatMap(waysOf).map((way) => this.#results.get(way)).find((result) => result !== undefined);
  }
}

function waysOf({ digest, inputs }: Recipe): readonly string[] {
  return inputs.reduce<readonly string[]>((ways, input) => input.flatMap(({ recipe, selector }) => waysOf(recipe).flatMap((below) => ways.map((way) => `${way}(${selector}:${below})`))), [digest]);
}

interface Run {
  readonly ran: readonly string[];
  readonly reasons: Readonly<Record<string, string>>;
  /** What it can tell others; results of `kept` only. */
  readonly told: (kept?: readonly string[]) => Promise<Told>;
}

async function run(steps: Steps, target: string, cache: SharedCache<string> = new Told()): Promise<Run> {
  const ran: string[] = [];
  const reasons: Record<string, string> = {};
  const graph = new Map(Object.entries(steps).map(([name, step]) => [named(name), vertexOf(name, step, ran)]));
  const observer = {
    keying: <T>(_: unknown, work: () => Promise<T>) => work(), running: <T>(_: unknown, work: () => Promise<T>) => work(),
    cached: ({ name }: Vertex<string>, reason: string) => void (reasons[name] = reason), loaded: () => undefined, missed: () => undefined, made: () => undefined,
  };
  const solver = new Solver({ graph, cache: memoryResultCache<string>(), sharing: { cache, tells: true }, observer, keys: memoryKeyHistory(), semaphore: new Semaphore(3), made: new Map() });
  await solver.result({ vertex: named(target), index: 0 }, never);
  return {
    ran, reasons,
    async told(kept = Object.keys(steps)) {
      const told = new Told();
      for (const name of Object.keys(steps)) {
        const result = kept.includes(name) ? (await solver.known(named(name)))?.[0] : undefined;
        for (const recipe of await solver.recipes({ vertex: named(name), index: 0 })) told.add(recipe, result);
      }
      return told;
    },
  };
}

function vertexOf(name: string, { inputs = [], part, output, isLocal = false, ignoreCache = false }: Step, ran: string[]): Vertex<string> {
  const contentOf = inputs.map((_input, i) => (part !== undefined && i === inputs.length - 1 ? async (text: string) => named(part(text)) : undefined));
  return {
    digest: named(name), name, ignoreCache,
    inputs: inputs.map((input) => ({ vertex: named(input), index: 0 })),
    operation: {
      cacheMap: async () => ({
        digest: named(`${name} ${isLocal ? output : ""}`), contentOf, reusable: !isLocal && inputs.length > 0,
        shared: () => ({ digests: isLocal ? [] : [named(name)], selectors: contentOf.map((each) => (each === undefined ? "" : "part")), contentOf }),
      }),
      execute: async (values) => {
        ran.push(name);
        return [output ?? `${name}(${values.join(",")})`];
      },
    },
  };
}

const steps = (files: string, more: Steps = {}): Steps => ({
  image: { output: "image" }, files: { isLocal: true, output: files },
  copy: { inputs: ["image", "files"], part: (text) => text.slice(0, 3) },
  make: { inputs: ["copy"], output: "made" },
  final: { inputs: ["image", "make"], part: (text) => text },
  ...more,
});

test("what others made is not made again, whoever has to be asked for the content of files", async () => {
  const told = await (await run(steps("abc-1"), "final")).told();
  const second = await run(steps("abc-2"), "final", told);
  assert.deepEqual(second.ran, ["files"]);
  assert.deepEqual(second.reasons, { copy: "imported", make: "imported", final: "imported" });
});

test("other content is a miss, and so is all that stands on it, until content is the same again", async () => {
  const told = await (await run(steps("abc-1"), "final")).told();
  const second = await run(steps("xyz-1"), "final", told);
  assert.deepEqual(second.ran, ["files", "image", "copy", "make"]);
  assert.equal(second.reasons["final"], "imported");
});

test("what others know by name only is not made for the sake of a look", async () => {
  const told = await (await run(steps("abc-1"), "final")).told(["final"]);
  assert.deepEqual((await run(steps("abc-1"), "final", told)).ran, ["files"]);
});

test("nor is what such a step would copy from", async () => {
  const chain: Steps = { image: { output: "image" }, made: { inputs: ["image"] }, copy: { inputs: ["image", "made"], part: (text) => text }, final: { inputs: ["copy"] } };
  const told = await (await run(chain, "final")).told(["final"]);
  assert.deepEqual((await run(chain, "final", told)).ran, []);
});

test("and is made when it is needed", async () => {
  const told = await (await run(steps("abc-1"), "final")).told([]);
  assert.deepEqual((await run(steps("abc-1"), "final", told)).ran.toSorted(), ["copy", "files", "final", "image", "make"]);
});

test("a step that is not to be taken from a cache is not taken from others either, nor what stands on it", async () => {
  const told = await (await run(steps("abc-1"), "make")).told();
  const second = await run(steps("abc-1", { copy: { inputs: ["image", "files"], part: (text) => text.slice(0, 3), ignoreCache: true } }), "make", told);
  assert.deepEqual(second.ran.toSorted(), ["copy", "files", "image", "make"]);
});
