import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsText } from "./rows-text.ts";

const HEAD = { ID: "THE ID", Size: "SIZE" };
const ROWS = [{ ID: "abcdefghijk", Size: "1B" }, { ID: "b", Size: "20B" }];

test("a template is for each row, and behind the word table for columns with a head", () => {
  assert.equal(rowsText("{{.ID}}\\t{{.Size}}", HEAD, ROWS), "abcdefghijk\t1B\nb\t20B\n");
  assert.equal(rowsText("table {{.ID}}\\t{{.Size}}", HEAD, ROWS), "THE ID        SIZE\nabcdefghijk   1B\nb             20B\n");
  assert.equal(rowsText("table {{.Size}}\t{{.ID}}", HEAD, ROWS), "SIZE      THE ID\n1B        abcdefghijk\n20B       b\n");
});
