import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../../testing/conformance.ts";
import { parseChmod } from "./file-mode.ts";

const oracle = conformance<{ readonly cases: ReadonlyArray<{ readonly fn: string; readonly in: string; readonly error: string | null }> }>("vectors/go_functions_oracle.json");

test("symbolic modes are accepted and refused as by BuildKit", { skip: oracle.skip }, () => {
  const rows = oracle.read().cases.filter(({ fn, in: text }) => fn === "mode.Parse" && !/^[0-9]|^$/.test(text));
  assert.ok(rows.length > 0);
  for (const { in: text, error } of rows) {
    if (error === null) assert.equal(parseChmod(text), text);
    else assert.throws(() => parseChmod(text), { message: error }, text);
  }
});

test("octal modes become bits, within bounds", () => {
  assert.equal(parseChmod("0755"), 0o755);
  assert.equal(parseChmod(""), undefined);
  for (const text of ["10000", "999", "0x1"]) assert.throws(() => parseChmod(text), /should be octal string and between 0 and 07777/, text);
});
