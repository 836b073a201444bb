import assert from "node:assert/strict";
import { test } from "node:test";
import { csvFields } from "./csv-fields.ts";

test("values are split at commas, and quotation marks keep them together", () => {
  assert.deepEqual(csvFields('type=local,"dest=a,b",x='), ["type=local", "dest=a,b", "x="]);
  assert.throws(() => csvFields('a"b'));
});
