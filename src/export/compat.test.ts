import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAttestStore, parseCompat, planStore, type ShapeWishes } from "./compat.ts";
import { ExportError } from "./error.ts";

const NOTHING: ShapeWishes = { compat: undefined, attestStore: undefined, platforms: [], indexAlways: false };
const plan = (wishes: Partial<ShapeWishes>): unknown => planStore({ ...NOTHING, ...wishes }, (text) => `/cwd/${text}`);
const refuses = (run: () => unknown, ...words: readonly string[]): void =>
  assert.throws(run, (error) => error instanceof ExportError && error.code === "usage" && words.every((word) => error.message.includes(word)), words.join());

test("evidence goes into the index unless something else is said", () => {
  assert.deepEqual(plan({}), { kind: "index" });
  assert.deepEqual(plan({ attestStore: "referrers" }), { kind: "referrers", otherwise: "index" });
  assert.deepEqual(plan({ attestStore: "both" }), { kind: "both", otherwise: "index" });
  assert.deepEqual(plan({ attestStore: "file:out/evidence" }), { kind: "file", directory: "/cwd/out/evidence" });
  assert.deepEqual(plan({ attestStore: "none" }), { kind: "none" });
});

test("consumers that cannot have an index get evidence in referrers, or none; who names referrers gets them or an error", () => {
  for (const compat of ["lambda", "cloud-run", "docker-v2"] as const) {
    assert.deepEqual(plan({ compat }), { kind: "referrers", otherwise: "none" });
    assert.deepEqual(plan({ compat, attestStore: "referrers" }), { kind: "referrers", otherwise: "fail" });
    assert.deepEqual(plan({ compat, attestStore: "file:x" }), { kind: "file", directory: "/cwd/x" });
    assert.deepEqual(plan({ compat, attestStore: "none", platforms: ["linux/amd64"] }), { kind: "none" });
  }
});

test("what contradicts a consumer is refused by both names", () => {
  for (const compat of ["lambda", "cloud-run"] as const) {
    refuses(() => plan({ compat, attestStore: "index" }), `--compat=${compat}`, "--attest-store=index");
    refuses(() => plan({ compat, platforms: ["linux/amd64", "linux/arm64"] }), `--compat=${compat}`, "--platform=linux/amd64,linux/arm64");
    refuses(() => plan({ compat, indexAlways: true }), `--compat=${compat}`, "BUILDKIT_MULTI_PLATFORM");
  }
  refuses(() => plan({ compat: "docker-v2", attestStore: "both" }), "--compat=docker-v2", "--attest-store=both");
  assert.deepEqual(plan({ compat: "docker-v2", platforms: ["linux/amd64", "linux/arm64"], indexAlways: true }), { kind: "referrers", otherwise: "none" });
});

test("other words are refused with those that there are", () => {
  for (const word of ["", "Index", "file:", "file", "referrers,index"]) refuses(() => parseAttestStore(word, String), `--attest-store=${word}`, "index, referrers, both, file:DIRECTORY or none");
  refuses(() => parseCompat("ecs"), "--compat=ecs", "lambda, cloud-run, docker-v2");
});
