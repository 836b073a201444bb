/**
 * `npm run conformance [-- --data DIR]`: holds every case of a folder of BuildKit's behaviour against ours.
 * test/conformance/README.md says what the folder looks like and what counts.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { judgeRecords } from "../test/conformance/judge-records.ts";
import { SKIPS } from "../test/conformance/skips.ts";
import { CHECKS } from "../test/conformance/vectors/checks.ts";
import { judgeTable, type Verdict } from "../test/conformance/vectors/judge.ts";
import { readVectorFile } from "../test/conformance/vectors/vector-file.ts";

type Write = (text: string) => void;

/** Judges a whole folder, file by file; `write` gets each difference and the last line. Returns the exit status. */
export async function runConformance(folder: string, write: Write): Promise<number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for await (const { name, passed, skipped, failures, reason } of judgeFolder(folder)) {
    total.passed += passed;
    total.failed += failures.length;
    total.skipped += skipped;
    for (const failure of failures) write(`FAILED ${name}: ${failure}\n`);
    if (skipped > 0) write(`SKIPPED ${name}: ${skipped}, ${reason ?? "no reason is listed"}\n`);
  }
  const cases = total.passed + total.failed + total.skipped;
  if (cases === 0) write(`there are no cases in ${folder}: llb/*.jsonl[.gz] and vectors/*.json[.gz] are read\n`);
  write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return cases > 0 && total.failed === 0 ? 0 : 1;
}

async function* judgeFolder(folder: string): AsyncGenerator<Verdict> {
  for (const path of filesOf(join(folder, "llb"))) {
    yield /\.jsonl(?:\.gz)?$/.test(path) ? await guarded(path, async () => await judgeRecords(path, SKIPS)) : unknownFile(path);
  }
  for (const path of filesOf(join(folder, "vectors"))) {
    if (/\.json(?:\.gz)?$/.test(path)) yield* judgeVectors(path);
    else yield unknownFile(path);
  }
}

function judgeVectors(path: string): readonly Verdict[] {
  try {
    return readVectorFile(path).map((table) => judgeTable(table, CHECKS, SKIPS));
  } catch (error) {
    return [unreadable(path, error)];
  }
}

async function guarded(path: string, judge: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await judge();
  } catch (error) {
    return unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Verdict {
  return { name: path, passed: 0, skipped: 0, failures: [error instanceof Error ? error.message : String(error)], reason: undefined };
}

function unknownFile(path: string): Verdict {
  return unreadable(path, "neither records nor tables: what is it?");
}

function filesOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted().map((name) => join(folder, name)) : [];
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { data: { type: "string" } } });
  const folder = values.data ?? process.env["STEMMA_CONFORMANCE"] ?? join(import.meta.dirname, "../../shared/conformance");
  process.exitCode = await runConformance(resolve(folder), (text) => void process.stdout.write(text));
}
