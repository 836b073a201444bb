import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { digestOf } from "../../src/content/digest.ts";
import { decodeDefinition, encodeDefinition } from "../../src/llb/definition.ts";
import { encodeMessage } from "../../src/llb/encode.ts";
import { loadGraph } from "../../src/llb/graph.ts";
import { OpSchema } from "../../src/llb/op.ts";
import { compareRecord } from "./llb-comparison.ts";
import { readRecords, RECORD_FILES, SKIP, type LlbRecord } from "./llb-record.ts";

/** How many records must be equal in every part. To be raised with what is reached, never lowered. */
const FLOORS: Readonly<Record<(typeof RECORD_FILES)[number], number>> = { bktest: 226, opts: 274, corpus: 354, matrix: 212 };

for (const file of RECORD_FILES) {
  describe(`LLB of ${file}`, { skip: SKIP }, () => {
    test("every op and definition is encoded to its own bytes again", () => {
      const results = readRecords(file).flatMap(({ result }) => result.results ?? []);
      for (const { def } of results) {
        const bytes = Buffer.from(def.pb, "base64");
        assert.equal(Buffer.from(encodeDefinition(decodeDefinition(bytes))).toString("base64"), def.pb);
        for (const op of def.ops ?? []) {
          const again = encodeMessage(OpSchema, fromBinary(OpSchema, Buffer.from(op.pb, "base64")));
          assert.deepEqual([Buffer.from(again).toString("base64"), digestOf(again)], [op.pb, op.digest]);
        }
        assert.equal(loadGraph(decodeDefinition(bytes)).vertices.size, Math.max((def.ops ?? []).length - 1, 0));
      }
    });

    test("Dockerfiles become BuildKit's definitions, configurations and errors", async (context) => {
      const records = readRecords(file).filter(hasClient);
      const failed: string[] = [];
      const parts = new Map<string, number>();
      for (const record of records) {
        const differences = await compareRecord(record);
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
