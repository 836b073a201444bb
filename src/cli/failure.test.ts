import assert from "node:assert/strict";
import { test } from "node:test";
import { EXIT } from "./exit-code.ts";
import { explainFailure, stacksOf } from "./failure.ts";

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

test("a failed build is named as one, after what it has to show", () => {
  const failure = explainFailure(Object.assign(coded("step-failed"), { report: "Dockerfile:3\n" }));
  assert.deepEqual(failure, { message: "Dockerfile:3\nERROR: failed to build: it is step-failed", exitCode: EXIT.step });
});

test("what may pass is worth another try, whatever part of us says so; a missing sandbox is not", () => {
  assert.equal(explainFailure(coded("changed", true)).exitCode, EXIT.retryable);
  assert.equal(explainFailure(coded("unavailable", false)).exitCode, EXIT.sandbox);
  assert.equal(explainFailure(coded("interrupted", true)).exitCode, EXIT.interrupted);
});

test("a failure inside a step that has no code is a bug too", () => {
  const inner = new TypeError("x is not a function");
  const failure = explainFailure(Object.assign(new Error("failed to solve: x is not a function", { cause: inner }), { code: "internal", retryable: false, report: "" }));
  assert.match(failure.message, /^ERROR: failed to build: failed to solve: x is not a function\nTypeError[\s\S]*failure\.test\.ts[\s\S]*This is a bug in stemma/);
  assert.equal(failure.exitCode, EXIT.other);
});

test("for who asks, tells of all that led to an error where it was", () => {
  const stacks = stacksOf(new Error("the step failed", { cause: new TypeError("no such place", { cause: "a word" }) }));
  assert.match(stacks, /^Error: the step failed\n {4}at .*failure\.test\.ts[\s\S]*\nCaused by: TypeError: no such place\n {4}at [\s\S]*\nCaused by: a word$/);
});

test("owns up to a bug, with the place", () => {
  assert.match(explainFailure(new TypeError("x is not a function")).message, /failure\.test\.ts[\s\S]*This is a bug in stemma/);
});
