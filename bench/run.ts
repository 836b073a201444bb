/**
 * `npm run bench`: measures the command as users have it (the bundle), beside buildah, in one run.
 * Rounds are interleaved, so that a noisy moment hits both; figures are for the whole process.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { runProcess } from "../src/host/process.ts";
import { CASES, type BenchCase, type BenchPlace, type Contestant } from "./cases.ts";
import { describeRow, spreadOf, type Row } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 5);
const BUNDLE = join(import.meta.dirname, "../bin/stemma.js");

const only = process.argv.slice(2);
if (!existsSync(join(import.meta.dirname, "../dist/cli/main.js"))) throw new Error("there is no bundle: npm run bundle");
const place = await openPlace();
try {
  process.stdout.write(`${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, load ${loadavg()[0]?.toFixed(1) ?? "?"}, Node ${process.versions.node}, ${(await place.output(["buildah", "--version"])).trim()}, ${ROUNDS} rounds\n\n`);
  for (const benchCase of CASES) {
    if (only.length > 0 && !only.includes(benchCase.name)) continue;
    process.stdout.write(`${describeRow(await measure(benchCase, place))}\n`);
  }
} finally {
  // containers/storage keeps its directory mounted on itself.
  await runProcess({ argv: ["umount", "--lazy", join(place.path, "containers", "overlay")], env: process.env }, new AbortController().signal);
  await rm(place.path, { recursive: true, force: true });
}

async function measure(benchCase: BenchCase, bench: BenchPlace): Promise<Row> {
  await using prepared = await benchCase.prepare(bench);

  const times = { stemma: [] as number[], buildah: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    const order: readonly Contestant[] = round % 2 === 0 ? ["stemma", "buildah"] : ["buildah", "stemma"];
    for (const contestant of order) {
      await prepared.before(contestant);
      const started = performance.now();
      await prepared.run(contestant);
      times[contestant].push(performance.now() - started);
    }
  }
  return { name: benchCase.name, claim: benchCase.claim, stemma: spreadOf(times.stemma), buildah: spreadOf(times.buildah) };
}

async function openPlace(): Promise<BenchPlace> {
  const path = await mkdtemp(join(tmpdir(), "stemma-bench-"));
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, HOME: path, XDG_DATA_HOME: join(path, "data"), BUILDAH_RUNTIME: "runc" };
  const never = new AbortController().signal;
  const output = async (argv: readonly [string, ...string[]]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProcess({ argv, cwd: path, env }, never);
    if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit code ${exitCode}\n${stderr.toString("utf8")}`);
    return stdout.toString("utf8");
  };
  return { path, output, stemma: [process.execPath, BUNDLE], buildah: ["buildah", "--root", join(path, "containers"), "--runroot", join(path, "containers-run")] };
}
