import assert from "node:assert/strict";
import { test } from "node:test";
import { ProcessExitError, type ProcessExit } from "./operation-error.ts";

const EXIT: ProcessExit = { argv: ["/bin/sh", "-c", "make"], exitCode: 137, outputTail: "" };

test("a command that the kernel ended for want of memory is told so, and one that ended otherwise by its exit code", () => {
  assert.equal(new ProcessExitError(EXIT).message, 'process "/bin/sh -c make" did not complete successfully: exit code: 137');
  const { message, exitCode } = new ProcessExitError({ ...EXIT, outOfMemory: true });
  assert.deepEqual([message, exitCode], ['process "/bin/sh -c make" did not complete successfully: cannot allocate memory', 137]);
});
