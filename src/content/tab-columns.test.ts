import assert from "node:assert/strict";
import { test } from "node:test";
import { tabColumns } from "./tab-columns.ts";

test("fills up cells with tabs, as wide as the widest needs", () => {
  assert.equal(tabColumns([["a", "b"], ["1234567", "c"]]), "a\tb\n1234567\tc\n");
  assert.equal(tabColumns([["a", "b", "c"], ["12345678", "größer zu lang", "d"]]), "a\t\tb\t\tc\n12345678\tgrößer zu lang\td\n");
  assert.equal(tabColumns([]), "");
});
