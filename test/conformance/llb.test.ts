import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compareRecord } from "./llb-comparison.ts";
import { encodingDifferences } from "./llb-encoding.ts";
import { readRecords, RECORD_FILES, SKIP, type LlbRecord } from "./llb-record.ts";
import { compareSubrequests } from "./subrequest-comparison.ts";

/** How many records must be equal in every part. To be raised with what is reached, never lowered. */
const FLOORS: Readonly<Record<(typeof RECORD_FILES)[number], number>> = { bktest: 226, opts: 274, corpus: 354, matrix: 212 };

for (const file of RECORD_FILES) {
  describe(`LLB of ${file}`, { skip: SKIP }, () => {
    test("every op and definition is encoded to its own bytes again", () => {
      for (const record of readRecords(file)) assert.deepEqual(encodingDifferences(record), [], record.case.name);
    });

    test("Dockerfiles become BuildKit's definitions, configurations and errors", async (context) => {
      const records = readRecords(file).filter(hasClient);
      const failed: string[] = [];
      const parts = new Map<string, number>();
      for (const record of records) {
        const differences = [...(await compareRecord(record)), ...(await compareSubrequests(record))];
        for (const part of new Set(differences.map((one) => one.part))) parts.set(part, (parts.get(part) ?? 0) + 1);
        if (differences.length > 0) failed.push(`${record.case.name}\n${differences.map(({ part, detail }) => `   ${part}: ${detail}`).join("\n")}`);
      }
      const equal = records.length - failed.length;
      context.diagnostic(`${file}: ${equal} of ${records.length} equal${[...parts].map(([part, count]) => `, ${part} differs in ${count}`).join("")}`);
      if (process.env["STEMMA_CONFORMANCE_DETAIL"] === "1") for (const text of failed) context.diagnostic(text);
      assert.ok(equal >= FLOORS[file], `${equal} records are equal, the floor is ${FLOORS[file]}:\n${failed.slice(0, 3).join("\n")}`);
    });
  });
}

/** Conversion without a client (no session, no ignore file) is not offered here. */
function hasClient({ case: { mode } }: LlbRecord): boolean {
  return mode !== "convert";
}
