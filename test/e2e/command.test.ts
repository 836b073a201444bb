import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { openPlace } from "./command.ts";

test("what a place has started, and a test that failed did not wait for, ends with the place", { timeout: 60_000 }, async () => {
  const place = await openPlace();
  const started = place.start([], { wrapper: ["/bin/sh", "-c", "exec sleep 600", "sh"] });
  const run = place.run(["sleep", "600"]);
  run.catch(() => undefined);
  await place[Symbol.asyncDispose]();
  assert.equal((await started.ended).exitCode, 128 + constants.signals.SIGKILL);
  await assert.rejects(run, /the test's place is gone/);
});
