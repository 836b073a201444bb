import assert from "node:assert/strict";
import { test } from "node:test";
import { damaged, randomDockerfile, randomWord } from "../../testing/random-dockerfile.ts";
import { SeededRandom } from "../../testing/seeded-random.ts";
import type { FrontendRequest } from "../frontend.ts";
import type { Gateway } from "../gateway.ts";
import { buildDockerfile } from "./build.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { lintDockerfile } from "./lint.ts";
import { parseLines, type ParsedLines } from "./parse.ts";
import { printNodes } from "./print-nodes.ts";
import { processWord, ShellWordError } from "./shell-lex.ts";
import { encodeSource } from "./source-text.ts";
import { parseDockerfile } from "./stages.ts";

const RUNS = 2000;
const SEED = 20_260_101;

/** The same for who looks at a failure: its seed says it all. */
function forRuns(check: (random: SeededRandom, seed: number) => void): void {
  for (let seed = SEED; seed < SEED + RUNS; seed++) check(new SeededRandom(seed), seed);
}

/** Any other error is a bug of ours, and goes on. */
function orRefused<Result>(work: () => Result): Result | DockerfileError {
  try {
    return work();
  } catch (error) {
    if (error instanceof DockerfileError) return error;
    throw error;
  }
}

function withoutLines({ nodes, escape, directives }: ParsedLines): unknown {
  const plain = (node: ParsedLines["nodes"][number]): unknown => ({ ...node, firstLine: 0, lastLine: 0, child: node.child === undefined ? undefined : plain(node.child) });
  return { nodes: nodes.map(plain), escape, directives: directives.map(({ name, value }) => ({ name, value })) };
}

test("what is printed parses to what was parsed, and prints the same again", () => {
  let parsed = 0;
  forRuns((random, seed) => {
    const first = orRefused(() => parseLines(encodeSource(randomDockerfile(random))));
    if (first instanceof DockerfileError) return;
    parsed++;
    const printed = printNodes(first);
    const second = parseLines(encodeSource(printed));
    assert.deepEqual(withoutLines(second), withoutLines(first), `seed ${seed}: ${printed}`);
    assert.equal(printNodes(second), printed, `seed ${seed}`);
  });
  assert.ok(parsed > RUNS / 2, `${parsed} of ${RUNS} parse`);
});

test("no text and no bytes make the parser fail in any way but its own", () => {
  let refused = 0;
  forRuns((random) => {
    const bytes = encodeSource(randomDockerfile(random));
    for (const input of [bytes, damaged(bytes, random)]) if (orRefused(() => parseDockerfile(input, () => undefined)) instanceof DockerfileError) refused++;
  });
  assert.ok(refused > 0 && refused < 2 * RUNS, `${refused} refused`);
});

const HOST = { os: "linux", architecture: "amd64" };
const REQUEST: FrontendRequest = { opts: new Map(), sessionId: "", workerPlatforms: [HOST], hostPlatform: HOST, disabledCapabilities: new Set(), inputs: new Map(), scanArguments: new Map() };

function gatewayFor(dockerfile: Uint8Array): Gateway {
  const config = Buffer.from(JSON.stringify({ ...HOST, rootfs: { type: "layers", diff_ids: [`sha256:${"1".repeat(64)}`] }, config: {} }));
  return {
    resolveImage: async (ref) => ({ ref, digest: undefined, config }),
    solve: async () => ({ readFile: async (path) => (path === "Dockerfile" ? dockerfile : undefined) }),
  };
}

test("no Dockerfile makes the conversion or the checks fail in any way but their own", async () => {
  const signal = new AbortController().signal;
  let built = 0;
  for (let seed = SEED; seed < SEED + RUNS / 4; seed++) {
    const gateway = gatewayFor(encodeSource(randomDockerfile(new SeededRandom(seed))));
    await lintDockerfile(gateway, REQUEST, signal);
    const outcome = await buildDockerfile(gateway, REQUEST, signal).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) built++;
    else if (!(outcome instanceof DockerfileError)) throw outcome;
  }
  assert.ok(built > 0, "not one of them could be built");
});

const LEXING_MS_MAX = 5000;

test("the shell lexer ends for every word, and soon", () => {
  const env = new Map([["A", "value ".repeat(20)], ["B1", "*"]]);
  const startedMs = performance.now();
  const read = (word: string): void => {
    try {
      processWord(word, env, { escape: "\\" });
    } catch (error) {
      if (!(error instanceof ShellWordError)) throw error;
    }
  };
  forRuns((random) => read(randomWord(random)));
  // What a line can hold of one kind of trouble.
  const hostile = ["${A:-", "${A#*", "'\"", "$", "\\", "<<", "${A/a/", "${A:-${A:+", '"$A', "${A##*a"];
  for (const unit of hostile) for (const end of ["", "}".repeat(100)]) read(unit.repeat(Math.floor(60_000 / unit.length)) + end);
  read(`\${A##${"*".repeat(30_000)}}`);
  read(`\${A%%${"*a".repeat(15_000)}b}`);
  assert.ok(performance.now() - startedMs < LEXING_MS_MAX, `${performance.now() - startedMs} ms`);
});

const LARGE_BYTES = 10 * 1024 * 1024;
const LARGE_MS_MAX = 20_000;
const LARGE_HEAP_BYTES_MAX = 1024 ** 3;

test("10 MB of instructions are parsed within 20 seconds and 1 GiB; 10 MB of one line are refused at once", () => {
  const line = `RUN echo ${"word ".repeat(20)}\n`;
  const startedMs = performance.now();
  const { stages } = parseDockerfile(Buffer.from(`FROM a\n${line.repeat(Math.ceil(LARGE_BYTES / line.length))}`));
  assert.ok((stages[0]?.commands.length ?? 0) * line.length >= LARGE_BYTES);
  assert.ok(performance.now() - startedMs < LARGE_MS_MAX, `${performance.now() - startedMs} ms`);
  assert.ok(process.memoryUsage().heapUsed < LARGE_HEAP_BYTES_MAX, `${process.memoryUsage().heapUsed} bytes`);
  const oneLine = Buffer.alloc(LARGE_BYTES, "x");
  assert.throws(() => parseDockerfile(Buffer.concat([Buffer.from("FROM a\n"), oneLine])), { message: "dockerfile line greater than max allowed size of 65535" });
});
