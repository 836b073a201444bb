import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { goJson } from "../content/go-json.ts";
import { OpSchema, message } from "../llb/op.ts";
import { renderJson } from "./json-tree.ts";
import { messageJson } from "./op-json.ts";

const FOLDER = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/llb`;
const skip = existsSync(FOLDER) ? false : `${FOLDER} is missing`;

interface GoldenLine {
  readonly result: { readonly results?: ReadonlyArray<{ readonly def: { readonly ops?: ReadonlyArray<{ readonly pb: string; readonly op: unknown }> } }> };
}

for (const name of ["opts", "bktest"]) {
  test(`the ops of ${name} have the JSON that BuildKit gives them`, { skip }, () => {
    const lines = gunzipSync(readFileSync(`${FOLDER}/${name}.jsonl.gz`)).toString("utf8").trimEnd().split("\n");
    const ops = lines.flatMap((line) => ((JSON.parse(line) as GoldenLine).result.results ?? []).flatMap(({ def }) => def.ops ?? []));
    assert.ok(ops.length > 500, `${ops.length} ops`);
    for (const { pb, op } of ops) {
      const ours = renderJson(messageJson(OpSchema, fromBinary(OpSchema, Buffer.from(pb, "base64"))), "compact");
      assert.equal(ours, goJson(op), "the order of members counts");
    }
  });
}

test("what BuildKit's JSON has no name for is left empty", () => {
  const op = message(OpSchema, { op: { case: "file", value: { actions: [{ action: { case: "symlink", value: { oldpath: "a", newpath: "b" } } }] } } });
  assert.equal(renderJson(messageJson(OpSchema, op), "compact"), '{"Op":{"file":{"actions":[{"input":0,"secondaryInput":0,"output":0,"Action":{}}]}}}');
});
