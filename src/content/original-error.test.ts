import assert from "node:assert/strict";
import { test } from "node:test";
import { originalError } from "./original-error.ts";

test("a failure is told, whatever its clean-up says", async () => {
  const first = new Error("first");
  const failing = async (): Promise<void> => {
    await using _outer = { [Symbol.asyncDispose]: () => Promise.reject(new Error("third")) };
    await using _inner = { [Symbol.asyncDispose]: () => Promise.reject(new Error("second")) };

    throw first;
  };
  assert.equal(await failing().catch(originalError), first);
});
