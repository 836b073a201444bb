import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "node:test";
import { digestOf, type Digest } from "../content/digest.ts";
import { memoryKeyHistory, missReason, type KeyHistory, type KeyParts, type MissReason } from "./miss-reason.ts";
import type { Vertex } from "./operation.ts";
import { memoryResultCache, type ResultCache } from "./result-cache.ts";
import { Semaphore } from "./semaphore.ts";
import { NOT_SHARED } from "./shared-cache.ts";
import { Solver } from "./solve.ts";
import { VertexError } from "./vertex-error.ts";

const never = new AbortController().signal;

test("runs inputs before what uses them, and equal vertices once", async () => {
  const ran: string[] = [];
  const graph = graphOf(ran, { base: {}, left: { inputs: ["base"] }, right: { inputs: ["base"] }, top: { inputs: ["left", "right"] } });
  assert.equal(await solve(graph, "top"), "top(left(base),right(base))");
  assert.deepEqual(ran.toSorted(), ["base", "left", "right", "top"]);
  assert.equal(ran.at(-1), "top");
});

test("does the work of two vertices with one key once", async () => {
  const ran: string[] = [];
  const graph = graphOf(ran, { a: { digest: "same" }, b: { digest: "same" }, top: { inputs: ["a", "b"] } });
  await solve(graph, "top");
  assert.equal(ran.length, 2);
});

test("a second build runs nothing", async () => {
  const cache = memoryResultCache<string>();
  const steps = { base: {}, top: { inputs: ["base"] } };
  await solve(graphOf([], steps), "top", cache);
  const ran: string[] = [];
  const cached: string[] = [];
  assert.equal(await solve(graphOf(ran, steps), "top", cache, cached), "top(base)");
  assert.deepEqual(ran, []);
  assert.deepEqual(cached.toSorted(), ["base", "top"]);
});

test("a source that is there is told of when somebody needs it, in the builds after the first", async () => {
  const cache = memoryResultCache<string>();
  const used: string[] = [];
  const uses = { had: () => used.length > 0, save: () => void used.push("image") };
  const steps = (file: string): Steps => ({ image: { reusable: false, uses }, web: {}, run: { digest: file, inputs: ["image", "web"] } });
  const told = async (file: string): Promise<readonly string[]> => {
    const cached: string[] = [];
    await solve(graphOf([], steps(file)), "run", cache, cached);
    return cached.toSorted();
  };
  assert.deepEqual(await told("a"), []);
  assert.deepEqual(await told("a"), ["run", "web"], "found by its key, and not asked for");
  assert.deepEqual(await told("b"), ["image loaded", "web", "web loaded"]);
});

test("a change elsewhere in an input is no miss where only a part of it is used", async () => {
  const cache = memoryResultCache<string>();
  const steps = (context: string): Steps => ({ context: { digest: context, output: context, reusable: false }, copy: { inputs: ["context"], part: (text) => text.slice(0, 3), output: "layer" }, run: { inputs: ["copy"] } });
  await solve(graphOf([], steps("abc-1")), "run", cache);
  const ran: string[] = [];
  assert.equal(await solve(graphOf(ran, steps("abc-2")), "run", cache), "run(layer)");
  assert.deepEqual(ran, ["context"]);
  const again: string[] = [];
  await solve(graphOf(again, steps("xyz-2")), "run", cache);
  assert.deepEqual(again, ["context", "copy", "run"]);
});

test("the last step, too, is found by the content that it uses", async () => {
  const cache = memoryResultCache<string>();
  const steps = (context: string): Steps => ({ context: { digest: context, output: context, reusable: false }, copy: { inputs: ["context"], part: (text) => text.slice(0, 3), output: "layer" } });
  await solve(graphOf([], steps("abc-1")), "copy", cache);
  const ran: string[] = [];
  assert.equal(await solve(graphOf(ran, steps("abc-2")), "copy", cache), "layer");
  assert.deepEqual(ran, ["context"]);
});

test("no-cache runs the vertex and what stands on it, and later builds use what it made", async () => {
  const cache = memoryResultCache<string>();
  await solve(graphOf([], { a: { output: "old" }, b: { inputs: ["a"] } }), "b", cache);
  const ran: string[] = [];
  assert.equal(await solve(graphOf(ran, { a: { output: "new", ignoreCache: true }, b: { inputs: ["a"] } }), "b", cache), "b(new)");
  assert.deepEqual(ran, ["a", "b"]);
  assert.equal(await solve(graphOf([], { a: { output: "never" }, b: { inputs: ["a"] } }), "b", cache), "b(new)");
});

test("runs independent vertices at the same time, within the bound", async () => {
  let now = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await sleep(10);
    now--;
  };
  const names = ["a", "b", "c", "d", "e"];
  const steps: Steps = { ...Object.fromEntries(names.map((name) => [name, { work }])), top: { inputs: names } };
  await solve(graphOf([], steps), "top");
  assert.equal(most, 3);
});

test("stages of which parts are copied one after the other are made at the same time", async () => {
  let now = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await sleep(10);
    now--;
  };
  const part = (text: string): string => text;
  const steps: Steps = { a: { work }, b: { work }, c: { work }, first: { inputs: ["a"], part }, second: { inputs: ["first", "b"], part }, third: { inputs: ["second", "c"], part } };
  await solve(graphOf([], steps), "third");
  assert.equal(most, 3);
});

test("what will run is told so while its inputs are made, and not where a cache answers", async () => {
  const cache = memoryResultCache<string>();
  const told: string[] = [];
  const steps: Steps = { base: { work: async () => void told.push("base begins") }, top: { inputs: ["base"], prepare: () => void told.push("top is to run") } };
  await solve(graphOf([], steps), "top", cache);
  assert.deepEqual(told, ["top is to run", "base begins"]);
  await solve(graphOf([], steps), "top", cache);
  assert.equal(told.length, 2);
});

test("the first failure stops the rest, names its step, and nothing runs afterwards", async () => {
  let stopped = false;
  const steps: Steps = {
    slow: {
      work: async (signal) => {
        await sleep(10_000, undefined, { signal }).catch(() => {
          stopped = true;
        });
        signal.throwIfAborted();
      },
    },
    bad: { work: async () => { await sleep(5); throw new Error("exit code 7"); } },
    top: { inputs: ["slow", "bad"] },
  };
  await assert.rejects(solve(graphOf([], steps), "top"), (error) => error instanceof VertexError && error.stepName === "bad" && error.message === "exit code 7");
  assert.ok(stopped);
});

test("tells the results that it has, and runs nothing for them", async () => {
  const graph = graphOf([], { base: { output: "tree" }, unused: {}, top: { inputs: ["base"] } });
  const solver = solverOf(graph, memoryResultCache(), []);
  await solver.result({ vertex: named("top"), index: 0 }, never);
  assert.deepEqual(await solver.known(named("base")), ["tree"]);
  assert.equal(await solver.known(named("unused")), undefined);
});

test("knows what is looked at in every build, also when a cache answers for all that stands on it", async () => {
  const cache = memoryResultCache<string>();
  const steps: Steps = { files: { reusable: false }, top: { inputs: ["files"] } };
  await solve(graphOf([], steps), "top", cache);
  const solver = solverOf(graphOf([], steps), cache, []);
  await solver.result({ vertex: named("top"), index: 0 }, never);
  assert.deepEqual(await solver.known(named("files")), ["files"]);
});

test("a failure is not remembered", async () => {
  const cache = memoryResultCache<string>();
  await assert.rejects(solve(graphOf([], { a: { work: () => Promise.reject(new Error("no")) } }), "a", cache));
  assert.equal(await solve(graphOf([], { a: {} }), "a", cache), "a");
});

test("abort rejects with its reason", async () => {
  const controller = new AbortController();
  const graph = graphOf([], { a: { work: async (signal) => { controller.abort(new Error("client went away")); await sleep(1000, undefined, { signal }); } } });
  await assert.rejects(solve(graph, "a", memoryResultCache(), [], controller.signal), /client went away/);
});

interface Step {
  readonly inputs?: readonly string[];
  readonly digest?: string;
  readonly output?: string;
  /** Of every input, or of each. */
  readonly part?: (text: string) => string;
  readonly parts?: ReadonlyArray<((text: string) => string) | undefined>;
  readonly reusable?: boolean;
  readonly uses?: { had(): boolean; save(): void };
  readonly ignoreCache?: boolean;
  readonly work?: (signal: AbortSignal) => Promise<void>;
  readonly prepare?: () => void;
}

type Steps = Readonly<Record<string, Step>>;

const named = (name: string): Digest => digestOf(Buffer.from(name));

function graphOf(ran: string[], steps: Steps): Map<Digest, Vertex<string>> {
  const vertexOf = ([name, step]: [string, Step]): [Digest, Vertex<string>] => [named(name), {
    digest: named(name),
    name,
    inputs: (step.inputs ?? []).map((input) => ({ vertex: named(input), index: 0 })),
    ignoreCache: step.ignoreCache ?? false,
    operation: {
      cacheMap: async () => ({
        digest: named(step.digest ?? name),
        contentOf: (step.inputs ?? []).map((_input, i) => { const part = step.parts === undefined ? step.part : step.parts[i]; return part && (async (input: string) => named(part(input))); }),
        reusable: step.reusable ?? true,
        ...(step.uses === undefined ? {} : { uses: step.uses }),
        shared: () => NOT_SHARED,
      }),
      ...(step.prepare === undefined ? {} : { prepare: step.prepare }),
      async execute(inputs, signal) {
        ran.push(name);
        await step.work?.(signal);
        return [step.output ?? (inputs.length === 0 ? name : `${name}(${inputs.join(",")})`)];
      },
    },
  }];
  return new Map(Object.entries(steps).map(vertexOf));
}

function solverOf(graph: Map<Digest, Vertex<string>>, cache: ResultCache<string>, cached: string[], told: Told = { keys: memoryKeyHistory(), reasons: new Map() }): Solver<string> {
  const observer = {
    keying: <T>(_: unknown, work: () => Promise<T>) => work(),
    running: <T>(_: unknown, work: () => Promise<T>) => work(),
    cached: (vertex: Vertex<string>, reason: string) => {
      cached.push(vertex.name);
      told.reasons.set(vertex.name, reason);
    },
    loaded: (vertex: Vertex<string>) => void cached.push(`${vertex.name} loaded`),
    missed: (vertex: Vertex<string>, reason: MissReason) => void told.reasons.set(vertex.name, reason),
    made: () => undefined,
  };
  return new Solver({ graph, cache, observer, keys: told.keys, semaphore: new Semaphore(3), made: new Map(), sharing: undefined });
}

interface Told {
  readonly keys: KeyHistory<Vertex<string>>;
  readonly reasons: Map<string, unknown>;
}

/** Builds several times over one cache, and tells what was said in the last build. */
async function reasonsOf(cache: ResultCache<string>, target: string, ...builds: readonly Steps[]): Promise<Record<string, unknown>> {
  const keys = memoryKeyHistory<Vertex<string>>();
  let reasons = new Map<string, unknown>();
  for (const steps of builds) {
    reasons = new Map();
    await solverOf(graphOf([], steps), cache, [], { keys, reasons }).result({ vertex: named(target), index: 0 }, never).catch(() => undefined);
  }
  return Object.fromEntries(reasons);
}

describe("why a vertex ran", () => {
  const steps = (context: string, more: Partial<Record<"base" | "copy" | "run", Step>> = {}): Steps => ({
    context: { digest: context, output: context, reusable: false },
    base: { digest: "base-1", reusable: false, ...more.base },
    copy: { inputs: ["base", "context"], parts: [undefined, (text) => text.slice(0, 3)], output: `copied ${context}`, ...more.copy },
    run: { inputs: ["copy"], ...more.run },
  });
  const always = { kind: "always" };

  test("no run of it is known", async () => {
    assert.deepEqual(await reasonsOf(memoryResultCache(), "run", steps("abc-1")), { context: always, base: always, copy: { kind: "first" }, run: { kind: "first" } });
  });

  test("a run that failed is none", async () => {
    const failing = steps("abc-1", { run: { work: () => Promise.reject(new Error("no")) } });
    assert.deepEqual((await reasonsOf(memoryResultCache(), "run", failing, steps("abc-1")))["run"], { kind: "first" });
  });

  test("what it uses of an input changed, and what stands on it has another input", async () => {
    const { copy, run } = await reasonsOf(memoryResultCache(), "run", steps("abc-1"), steps("xyz-1"));
    assert.deepEqual(copy, { kind: "changed", operation: false, contents: [1], inputs: [] });
    assert.deepEqual(run, { kind: "changed", operation: false, contents: [], inputs: [0] });
  });

  test("what it is built upon is another one", async () => {
    const { copy } = await reasonsOf(memoryResultCache(), "run", steps("abc-1"), steps("abc-1", { base: { digest: "base-2" } }));
    assert.deepEqual(copy, { kind: "changed", operation: false, contents: [], inputs: [0] });
  });

  test("it is another operation", async () => {
    const { run } = await reasonsOf(memoryResultCache(), "run", steps("abc-1"), steps("abc-1", { run: { digest: "other" } }));
    assert.deepEqual(run, { kind: "changed", operation: true, contents: [], inputs: [] });
  });

  test("the cache was not to be asked, for it or for what it stands on", async () => {
    const { copy, run } = await reasonsOf(memoryResultCache(), "run", steps("abc-1"), steps("abc-1", { copy: { ignoreCache: true } }));
    assert.deepEqual([copy, run], [{ kind: "no-cache" }, { kind: "input-no-cache", inputs: [0] }]);
  });

  test("what it made is gone", async () => {
    const forgetful: ResultCache<string> = { find: async () => undefined, save: async () => undefined };
    const { copy, run } = await reasonsOf(forgetful, "run", steps("abc-1"), steps("abc-1"));
    assert.deepEqual([copy, run], [{ kind: "gone" }, { kind: "gone" }]);
  });

  test("or why not: nothing changed, or nothing that it uses", async () => {
    const cache = memoryResultCache<string>();
    assert.deepEqual(await reasonsOf(cache, "run", steps("abc-1"), steps("abc-1")), { context: always, base: always, copy: "unchanged", run: "unchanged" });
    assert.equal((await reasonsOf(cache, "run", steps("abc-2")))["copy"], "same-content");
  });

  test("nobody knows where two runs cannot be compared", () => {
    const parts: KeyParts = { operation: named("op"), inputs: [{ kind: "content", digest: named("a") }] };
    assert.deepEqual(missReason(parts, { ...parts, inputs: [] }), { kind: "unknown" });
  });
});

// Five parameters in effect: a builder for tests, whose last ones are rarely given.
async function solve(graph: Map<Digest, Vertex<string>>, target: string, ...[cache = memoryResultCache<string>(), cached = [], signal = never]: [ResultCache<string>?, string[]?, AbortSignal?]): Promise<string> {
  return await solverOf(graph, cache, cached).result({ vertex: named(target), index: 0 }, signal);
}
