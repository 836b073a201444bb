import assert from "node:assert/strict";
import { test } from "node:test";
import { TimeSlice } from "./time-slice.ts";

test("loops that share a slice share the next one too: together they keep others waiting for one, not each for a whole one", async () => {
  const slice = new TimeSlice();
  const { signal } = new AbortController();
  const startsSpent: boolean[] = [];
  const loop = async (): Promise<void> => {
    await slice.renew(signal);
    startsSpent.push(slice.isSpent);
    while (!slice.isSpent);
  };
  await Promise.all([loop(), loop(), loop()]);
  assert.deepEqual(startsSpent, [false, true, true]);
  await slice.renew(signal);
  assert.equal(slice.isSpent, false);
});

test("an abort ends the loop that asks with its signal, and no other", async () => {
  const slice = new TimeSlice();
  const controller = new AbortController();
  const [aborted, other] = [slice.renew(controller.signal), slice.renew(new AbortController().signal)];
  controller.abort(new Error("stop"));
  await assert.rejects(aborted, /stop/);
  await other;
});
