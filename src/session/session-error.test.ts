import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemReason } from "./session-error.ts";

test("what the system refuses is told in words, with what to change where that is not plain", () => {
  assert.equal(systemReason(Object.assign(new Error("x"), { code: "EMFILE" })), "too many open files: raise `ulimit -n`");
  assert.throws(() => readFileSync("/no/such/file"), (error) => systemReason(error) === "no such file or directory");
  assert.equal(systemReason(Object.assign(new Error("x"), { code: "EXDEV" })), "EXDEV");
});
