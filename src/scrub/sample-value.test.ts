import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { isSample } from "./sample-value.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const ROUNDS = Number(process.env["ROUNDS"] ?? 3000);

test("what issuers write in their documents is a sample", () => {
  for (const value of [
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AKIAXXXXXXXXXXXXXXXX",
    "AKIA1234567890123456",
    "AKIAABCDEFGHIJKLMNOP",
    "xoxb-000000000000-000000000000-xxxxxxxx",
    "xoxb-123456789012-1234567890123-abcdefghijklmnopqrstuvwx",
    `ghp_${"x".repeat(36)}`,
    `ghp_${"X".repeat(36)}`,
    "ghp_1234567890abcdefghijklmnopqrstuvwxyz",
    "ghp_ABCDEFabcdef1234567890ABCDEFabcdef1234",
    `ghp_${"aaaabbbbcccc".repeat(3)}`,
    `github_pat_${"0".repeat(22)}_${"0".repeat(59)}`,
    `ghp_dummy${"k4".repeat(16)}`,
    `sk_test_sampleTokenForDocumentation1`,
    "glpat-placeholder-token-1234",
    `sk-ant-api03-${"x".repeat(80)}`,
    "0123456789abcdef0123456789abcdef",
    "fedcba9876543210fedcba9876543210",
  ]) assert.ok(isSample(value), value);
});

test("a run of equal or neighbouring characters makes no sample of a long random value", () => {
  for (const value of [
    "xoxb-783283141105-639987999999-U4z7MnCD6WLMbLpQOc0ZSw08",
    "xoxb-123456789321-639987999999-U4z7MnCD6WLMbLpQOc0ZSw08",
    "ghp_abcdefghK8s0pQ2rT6vX1zB5nM9kL3jH7gF4",
    "AKIAZZZZZZQ4H7KMW2VT",
    "ghp_eXaMpLeK8s0pQ2rT6vX1zB5nM9kL3jH7gF4d",
    "ghp_K8s0pQ2rTdummyX1zB5nM9kL3jH7gF4dW2yU",
  ]) assert.ok(!isSample(value), value);
});

test("no random secret of any issuer's form is taken for a sample", (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const secrets = new RandomSecrets(SEED);
  for (let round = 0; round < ROUNDS; round++) for (const { kind, text } of secrets.all()) assert.ok(!isSample(text), `${kind} ${text}`);
});
