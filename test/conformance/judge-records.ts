import { basename } from "node:path";
import { compareRecord } from "./llb-comparison.ts";
import { encodingDifferences } from "./llb-encoding.ts";
import { readRecordFile, type LlbRecord } from "./llb-record.ts";
import type { Skip } from "./skips.ts";
import { compareSubrequests } from "./subrequest-comparison.ts";
import type { Verdict } from "./vectors/judge.ts";

/** Compiles every Dockerfile of a file of records and compares all that came of it. */
export async function judgeRecords(path: string, skips: readonly Skip[]): Promise<Verdict> {
  const skip = skips.find(({ table }) => table === "llb");
  const failures: string[] = [];
  let [passed, skipped] = [0, 0];
  for (const record of readRecordFile(path)) {
    if (skip?.rows?.(record.case as never) === true) {
      skipped++;
      continue;
    }
    const differences = await differencesOf(record);
    if (differences.length === 0) passed++;
    else failures.push(`${record.case.name}\n${differences.map((difference) => `  ${difference}`).join("\n")}`);
  }
  return { name: basename(path), passed, skipped, failures, reason: skipped === 0 ? undefined : skip?.reason };
}

/** A record of another form fails like one that differs. */
async function differencesOf(record: LlbRecord): Promise<readonly string[]> {
  try {
    const differences = [...(await compareRecord(record)), ...(await compareSubrequests(record))];
    return [...differences.map(({ part, detail }) => `${part}: ${detail}`), ...encodingDifferences(record)];
  } catch (error) {
    return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
}
