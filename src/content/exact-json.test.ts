import assert from "node:assert/strict";
import { test } from "node:test";
import { exactJson, parseExactJson } from "./exact-json.ts";

test("numbers come out as they went in, and so do characters that Go escapes", () => {
  const text = String.raw`{"big":9007199254740993,"float":1.0,"exponent":1e3,"plain":7,"text":"\u003ca\u0026b\u003e","list":[-0,12345678901234567890]}`;
  assert.equal(exactJson(parseExactJson(text), "compact"), text);
});

test("is indented for people", () => {
  assert.equal(exactJson(parseExactJson('{"a":[1,2.50]}'), "indented"), '{\n  "a": [\n    1,\n    2.50\n  ]\n}');
});

test("is no more lenient than JSON", () => {
  assert.throws(() => parseExactJson("{a:1}"), SyntaxError);
});
