import assert from "node:assert/strict";
import { test } from "node:test";
import { eachUntilAborted, untilAborted } from "./until-aborted.ts";

const reason = new Error("changed my mind");

test("who leaves hears why, and others still hear how it ends", async () => {
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const left = untilAborted(promise, stop.signal);
  stop.abort(reason);
  await assert.rejects(left, reason);
  resolve("done");
  assert.equal(await untilAborted(promise, new AbortController().signal), "done");
});

test("what fails once nobody waits for it is no failure of anybody's", async () => {
  // The test runner makes an error of a rejection that nobody handles.
  await assert.rejects(untilAborted(Promise.reject(new Error("too late")), AbortSignal.abort(reason)), reason);
  const stop = new AbortController();
  const pieces = async function* (): AsyncGenerator<number> {
    for (;;) {
      stop.signal.throwIfAborted();
      yield 1;
    }
  };
  const each = eachUntilAborted(pieces(), stop.signal);
  assert.equal((await each.next()).value, 1);
  stop.abort(reason);
  await assert.rejects(each.next(), reason);
  await new Promise((resolve) => setImmediate(resolve));
});
