import assert from "node:assert/strict";
import { test } from "node:test";
import { EXIT } from "./exit-code.ts";
import { explainFailure } from "./failure.ts";

const coded = (code: string, retryable = false): Error => Object.assign(new Error(`it is ${code}`), { code, retryable });

test("each kind of trouble has its own status", () => {
  const statuses = ["usage", "dockerfile", "step-failed", "not-found", "unauthorized", "sandbox", "interrupted"].map((code) => explainFailure(coded(code)).exitCode);
  assert.deepEqual(statuses, [EXIT.usage, EXIT.dockerfile, EXIT.step, EXIT.registry, EXIT.credentials, EXIT.sandbox, EXIT.interrupted]);
  assert.equal(explainFailure(coded("unavailable", true)).exitCode, EXIT.retryable);
});

test("finds the code below an error that only names the step", () => {
  const failure = explainFailure(new Error("RUN make: exit code 2", { cause: coded("step-failed") }));
  assert.deepEqual(failure, { message: "ERROR: RUN make: exit code 2", exitCode: EXIT.step });
});

test("says what to do about a full disk", () => {
  assert.match(explainFailure(coded("ENOSPC")).message, /free some space, or use another --root/);
});

test("owns up to a bug, with the place", () => {
  assert.match(explainFailure(new TypeError("x is not a function")).message, /failure\.test\.ts[\s\S]*This is a bug in stemma/);
});
