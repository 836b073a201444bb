import assert from "node:assert/strict";
import { test } from "node:test";
import { parseControl } from "./control-fields.ts";

test("reads paragraphs of fields, whatever the case of their names, with continuation lines and comments", () => {
  const text = "Package: tiny\nDescription: one\n two\n .\n\tthree\n# no field\nVERSION:1:2.0 \n\n \n\nPackage: other\r\nX-y: z\r\n";
  assert.deepEqual(parseControl(text).map((fields) => Object.fromEntries(fields)), [
    { package: "tiny", description: "one\ntwo\n.\nthree", version: "1:2.0" },
    { package: "other", "x-y": "z" },
  ]);
});

test("what is no field says nothing", () => {
  assert.deepEqual(parseControl("\n\nno field\n continuation of none\n\n"), []);
});
