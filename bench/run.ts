/**
 * `npm run bench [CASE…]`: measures the command as users have it (the bundle), beside buildah and, where BENCH_BUILDKIT names
 * one by its address and BENCH_BUILDX a buildx to ask it with, a BuildKit, in one run. Who is not here is left out.
 * BENCH_ROUNDS rounds are interleaved, so that a noisy moment hits all; figures are for the whole process.
 */
import { existsSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { CASES, type BenchCase } from "./cases.ts";
import { openPlace, type BenchPlace } from "./place.ts";
import type { PreparedCase } from "./prepared-case.ts";
import { describeMeasured, MEASURED_HEADER } from "./probe-reading.ts";
import { describeRow, HEADER, type Contestant } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 5);

const only = process.argv.slice(2);
if (!existsSync(join(import.meta.dirname, "../dist/cli/main.js"))) throw new Error("there is no bundle: npm run bundle");
const unknown = only.filter((name) => !CASES.some((benchCase) => benchCase.name === name));
if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(", ")}; there is ${CASES.map(({ name }) => name).join(", ")}`);
await using place = await openPlace();
process.stdout.write(`${await describeMachine(place)}, ${ROUNDS} rounds\n\n${HEADER}\n`);
const measured: string[] = [];
for (const benchCase of CASES) {
  if (only.length > 0 && !only.includes(benchCase.name)) continue;
  const { row, own } = await measure(benchCase, place);
  process.stdout.write(`${row}\n`);
  measured.push(...own);
}
if (measured.length > 0) process.stdout.write(`\n${[MEASURED_HEADER, ...measured].join("\n")}\n`);

async function measure({ name, claim, roundsMax = ROUNDS, prepare }: BenchCase, bench: BenchPlace): Promise<{ readonly row: string; readonly own: readonly string[] }> {
  await using prepared = await prepare(bench);
  // An object's keys are strings to the compiler.
  const contestants = Object.keys(prepared.run) as Contestant[];
  const times: Partial<Record<Contestant, number[]>> = {};
  for (let round = 0; round < Math.min(ROUNDS, roundsMax); round++) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      await prepared.before(contestant);
      (times[contestant] ??= []).push(await timeOf(prepared, contestant));
    }
  }
  return { row: describeRow({ name, claim, times }), own: prepared.measured.length === 0 ? [] : [describeMeasured(name, prepared.measured)] };
}

async function timeOf({ run }: PreparedCase, contestant: Contestant): Promise<number> {
  const startedMs = performance.now();
  const ownMs = await run[contestant]?.();
  return ownMs ?? performance.now() - startedMs;
}

async function describeMachine({ buildah, buildkit, output }: BenchPlace): Promise<string> {
  const peers = [
    ...(buildah === undefined ? [] : [(await output([buildah[0], "--version"])).trim()]),
    ...(buildkit === undefined ? [] : [`BuildKit ${/BuildKit version:\s+(\S+)/.exec(await output([buildkit[0], "inspect", ...buildkit.slice(2)]))?.[1] ?? "of an unknown version"}`]),
  ];
  return [`${cpus().length} processors (${cpus()[0]?.model ?? "unknown"})`, `${Math.round(totalmem() / 2 ** 30)} GiB`, `load ${loadavg()[0]?.toFixed(1) ?? "?"}`, `Node ${process.versions.node}`, ...peers].join(", ");
}
