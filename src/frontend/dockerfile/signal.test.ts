import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSignal } from "./signal.ts";

test("a signal has a name, with or without SIG, or a number", () => {
  assert.deepEqual(["SIGTERM", "term", "15", "SIGNOPE"].map(parseSignal), [15, 15, 15, undefined]);
});
