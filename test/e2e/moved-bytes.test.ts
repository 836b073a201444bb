import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { BASE, contextWithBase, makeContext, runSkip } from "./small-base.ts";

const LARGE_BYTES = 8_000_000;

let place: Place;
let registry: DockerRegistry;
let base: string;
let pushed: readonly Told[];

before(async () => {
  [place, registry] = await Promise.all([openPlace(), startDockerRegistry()]);
  base = `${registry.host}/base:1`;
  const context = await contextWithBase(place, "large", { Dockerfile: `${BASE}COPY large /\n`, large: randomBytes(LARGE_BYTES) });
  pushed = await build(["--push", "--provenance=false", "-t", base, context]);
});

after(async () => {
  await place[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly started?: string;
  readonly completed?: string;
}

interface Part {
  readonly vertex: string;
  readonly id: string;
  readonly current: number;
  readonly total?: number;
  readonly completed?: string;
}

interface Told {
  readonly vertexes?: readonly Vertex[];
  readonly statuses?: readonly Part[];
}

async function build(args: readonly string[]): Promise<readonly Told[]> {
  const { exitCode, stderr } = await place.stemmaHere(["build", "--progress=rawjson", ...args]);
  assert.equal(exitCode, 0, stderr);
  return stderr.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Told);
}

const vertexesOf = (told: readonly Told[], name: RegExp): readonly Vertex[] => told.flatMap(({ vertexes = [] }) => vertexes).filter((vertex) => name.test(vertex.name));
const partsOf = (told: readonly Told[], id: RegExp): readonly Part[] => told.flatMap(({ statuses = [] }) => statuses).filter((part) => id.test(part.id));

test("a blob that is pushed is shown from when it begins to be sent", () => {
  const [exporting] = vertexesOf(pushed, /^exporting to image$/);
  const ends = partsOf(pushed, /^pushing sha256:/).filter(({ completed, total = 0 }) => completed !== undefined && total > LARGE_BYTES);
  assert.equal(ends.length, 1);
  const [{ id, vertex, current, total } = assert.fail()] = ends;
  assert.deepEqual([vertex, current], [exporting?.digest, total]);
  assert.ok(partsOf(pushed, new RegExp(`^${id}$`)).some((part) => part.completed === undefined && part.current < current && part.total === total));
});

test("a base that a step needs is shown as it is fetched, as a part of its own step, and takes none of the other's time", { skip: runSkip }, async () => {
  const root = join(place.path, "elsewhere");
  const context = await makeContext(place, "run", { Dockerfile: `FROM ${base}\nRUN ls /large\n` });
  const told = await build(["--root", root, "-o", "type=cacheonly", context]);
  const from = vertexesOf(told, /^\[1\/2\] FROM /);
  const layers = partsOf(told, /^sha256:/);
  assert.ok(layers.every(({ vertex }) => vertex === from[0]?.digest));
  const ends = layers.filter(({ completed }) => completed !== undefined);
  assert.equal(new Set(ends.map(({ id }) => id)).size, 2, JSON.stringify(layers));
  for (const { current, total } of ends) assert.equal(current, total);
  const large = ends.find(({ total = 0 }) => total > LARGE_BYTES);
  assert.ok(layers.some(({ id, current, completed }) => id === large?.id && current === 0 && completed === undefined));
  // Its lookup ends, and it goes on when it is needed.
  const states = from.map(({ completed }) => completed !== undefined).join(" ");
  assert.match(states, /^(?:false )+true false (?:.*)true$/);
  const run = vertexesOf(told, /^\[2\/2\] RUN /).find(({ started }) => started !== undefined);
  assert.ok(Date.parse(run?.started ?? "") >= Math.max(...ends.map(({ completed = "" }) => Date.parse(completed))));
  const again = await build(["--root", root, "-o", "type=cacheonly", context]);
  assert.deepEqual(partsOf(again, /^sha256:/), []);
});

test("lines say how much was fetched, and from where to where a cache did", { skip: runSkip }, async () => {
  const context = await makeContext(place, "cached", { Dockerfile: `FROM ${base}\nRUN echo made > /made\nRUN cat /made\n` });
  const cache = `type=local,dest=${join(place.path, "cache")},mode=max`;
  await build(["-o", "type=cacheonly", "--cache-to", cache, context]);
  await makeContext(place, "cached", { Dockerfile: `FROM ${base}\nRUN echo made > /made\nRUN cat /made /large >/dev/null\n` });
  const { exitCode, stderr } = await place.stemmaHere(["build", "--root", join(place.path, "third"), "--progress=plain", "-o", "type=cacheonly", "--cache-from", cache.replace("dest", "src").replace(",mode=max", ""), context]);
  assert.equal(exitCode, 0, stderr);
  const [, from] = /^#(\d+) \[1\/3\] FROM /m.exec(stderr) ?? [];
  const [, made] = /^#(\d+) \[2\/3\] RUN echo made/m.exec(stderr) ?? [];
  assert.match(stderr, new RegExp(`^#${from} sha256:[0-9a-f]{64} 8\\.\\d\\dMB / 8\\.\\d\\dMB(?: \\d+\\.\\ds)? done$`, "m"));
  assert.match(stderr, new RegExp(`^#${made} sha256:[0-9a-f]{64} \\d+B / \\d+B(?: \\d+\\.\\ds)? done$`, "m"), stderr);
});
