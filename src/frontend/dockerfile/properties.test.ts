import assert from "node:assert/strict";
import { test } from "node:test";
import { damaged, randomDockerfile, randomWord } from "../../testing/random-dockerfile.ts";
import { LINUX_REQUEST, gatewayOf } from "./one-dockerfile.contract.ts";
import { SeededRandom } from "../../testing/seeded-random.ts";
import { buildDockerfile } from "./build.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { lintDockerfile } from "./lint.ts";
import { parseLines, type ParsedLines } from "./parse.ts";
import { printNodes } from "./print-nodes.ts";
import { processWord, ShellWordError } from "./shell-lex.ts";
import { encodeSource } from "./source-text.ts";
import { parseDockerfile } from "./stages.ts";
import { processorMs } from "../../testing/processor-time.ts";

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

test("no Dockerfile makes the conversion or the checks fail in any way but their own", async () => {
  const signal = new AbortController().signal;
  let built = 0;
  for (let seed = SEED; seed < SEED + RUNS / 4; seed++) {
    const gateway = gatewayOf(encodeSource(randomDockerfile(new SeededRandom(seed))));
    await lintDockerfile(gateway, LINUX_REQUEST, signal);
    const outcome = await buildDockerfile(gateway, LINUX_REQUEST, signal).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) built++;
    else if (!(outcome instanceof DockerfileError)) throw outcome;
  }
  assert.ok(built > 0, "not one of them could be built");
});

const LEXING_MS_MAX = 5000;

test("the shell lexer ends for every word, and soon", () => {
  const env = new Map([["A", "value ".repeat(20)], ["B1", "*"]]);
  const startedMs = processorMs();
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
  assert.ok(processorMs() - startedMs < LEXING_MS_MAX, `${processorMs() - startedMs} ms`);
});
