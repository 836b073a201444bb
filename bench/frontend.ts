/**
 * `npm run bench:frontend`: Dockerfiles per second through the parser and through the whole frontend, in one process,
 * over the Dockerfiles of the conformance data. Images and files come from memory, so that only our own work counts.
 */
import { existsSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { buildDockerfile } from "../src/frontend/dockerfile/build.ts";
import { DockerfileError } from "../src/frontend/dockerfile/dockerfile-error.ts";
import { FrontendOptionError } from "../src/frontend/dockerfile/frontend-option-error.ts";
import { parseDockerfile } from "../src/frontend/dockerfile/stages.ts";
import { conformanceFolder } from "../src/testing/conformance.ts";
import { requestOf } from "../test/conformance/llb-comparison.ts";
import { recordedGateway } from "../test/conformance/llb-gateway.ts";
import { readRecordFile, type LlbRecord } from "../test/conformance/llb-record.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 5);
const CORPUS = join(conformanceFolder("llb").path, "corpus.jsonl.gz");

if (!existsSync(CORPUS)) throw new Error(`there is no corpus in ${CORPUS}`);
const records = readRecordFile(CORPUS).filter(({ case: { mode } }) => mode !== "convert");
const sources = records.map(({ case: { dockerfile = "", dockerfileB64 } }) => (dockerfileB64 === undefined ? Buffer.from(dockerfile) : Buffer.from(dockerfileB64, "base64")));
const sizeKb = Math.round(sources.reduce((sum, { length }) => sum + length, 0) / 1000);
process.stdout.write(`${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), load ${loadavg()[0]?.toFixed(1) ?? "?"}, Node ${process.versions.node}, ${records.length} Dockerfiles of ${sizeKb} kB, ${ROUNDS} rounds\n\n`);
await report("parse", "Dockerfile to typed instructions", async () => {
  for (const source of sources) refusable(() => parseDockerfile(source, () => undefined));
});
await report("compile", "Dockerfile to LLB, configuration and findings", async () => {
  for (const record of records) await compile(record);
});

/** A row of the table: the median of all rounds and, in brackets, the extremes. The first round warms up and does not count. */
async function report(name: string, claim: string, round: () => Promise<void>): Promise<void> {
  const rates: number[] = [];
  for (let at = 0; at <= ROUNDS; at++) {
    const startedMs = performance.now();
    await round();
    if (at > 0) rates.push((records.length * 1000) / (performance.now() - startedMs));
  }
  const sorted = rates.toSorted((a, b) => a - b).map((rate) => Math.round(rate).toLocaleString("en"));
  process.stdout.write(`| ${name} | ${claim} | ${sorted[Math.floor(sorted.length / 2)]}/s (${sorted[0]}–${sorted.at(-1)}) |\n`);
}

async function compile(record: LlbRecord): Promise<void> {
  try {
    await buildDockerfile(recordedGateway(record), requestOf(record), new AbortController().signal);
  } catch (error) {
    if (!(error instanceof DockerfileError) && !(error instanceof FrontendOptionError)) throw error;
  }
}

/** Some of the files are wrong on purpose. */
function refusable(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
  }
}
