import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBuildRecord, type BuildRecord } from "./build-record.ts";
import { layerOrigins } from "./layer-origin.ts";

interface StepRow {
  readonly op: object;
  readonly inputs?: readonly string[];
  readonly chain?: readonly string[];
}

const image = { source: { identifier: "docker-image://docker.io/library/base:1@sha256:00" } };

/** Steps in order; the last one of BuildKit's records, which points to the result, is added. */
function record(...rows: readonly StepRow[]): BuildRecord {
  const steps = rows.map(({ op, inputs = [] }, index) => ({ id: `step${index}`, op: { Op: op }, inputs: inputs.map((input) => `${input}:0`) }));
  const layers = Object.fromEntries(rows.flatMap(({ chain }, index) => (chain === undefined ? [] : [[`step${index}:0`, [chain.map((digest) => ({ digest }))]]])));
  const llbDefinition = [...steps, { id: `step${rows.length}`, op: { Op: {} }, inputs: [`step${rows.length - 1}:0`] }];
  return parseBuildRecord("https://slsa.dev/provenance/v1", {
    buildDefinition: { internalParameters: { buildConfig: { llbDefinition } } },
    runDetails: { metadata: { buildkit_metadata: { layers, source: { infos: [{ filename: "Dockerfile" }] } } } },
  });
}

function origins(digests: string, from: BuildRecord): string {
  return layerOrigins(digests.split(" "), from)
    .map((origin) => (origin.kind === "unknown" ? "?" : `${origin.kind === "base" ? "base " : ""}${origin.step.id}${origin.match.by === "position" ? "!" : ""}`))
    .join(", ");
}

test("names for each layer the step whose chain first ends there, and the base for what it brought", () => {
  const from = record({ op: image, chain: ["b1", "b2"] }, { op: { file: {} }, inputs: ["step0"], chain: ["b1", "b2", "x"] }, { op: { exec: {} }, inputs: ["step1"], chain: ["b1", "b2", "x", "y"] });
  assert.equal(origins("b1 b2 x y", from), "base step0, base step0, step1, step2");
});

test("looks through merges to what made the layer that they put on top", () => {
  const from = record(
    { op: image, chain: ["b"] },
    { op: { file: {} }, chain: ["link"] },
    { op: { merge: {} }, inputs: ["step0", "step1"], chain: ["b", "link"] },
    { op: { exec: {} }, inputs: ["step2"], chain: ["b", "link", "run"] },
  );
  assert.equal(origins("b link run", from), "base step0, step1, step3");
});

test("matches rewritten layers by their place in the result's chain", () => {
  const from = record({ op: image, chain: ["b"] }, { op: { file: {} }, inputs: ["step0"], chain: ["b", "x"] }, { op: { exec: {} }, inputs: ["step1"], chain: ["b", "x", "y"] });
  assert.equal(origins("b x' y'", from), "base step0, step1!, step2!");
  assert.equal(origins("b x' y' z'", from), "base step0, ?, ?, ?");
});

test("prefers the stage that the result stands on where another stage made the same bytes", () => {
  const from = record(
    { op: image, chain: ["b"] },
    { op: { exec: {} }, inputs: ["step0"], chain: ["b", "same"] },
    { op: { file: {} }, inputs: ["step0"], chain: ["b", "same"] },
    { op: { exec: {} }, inputs: ["step2", "step1"], chain: ["b", "same", "y"] },
  );
  assert.equal(origins("b same y", from), "base step0, step2, step3");
});

test("says unknown rather than guess", () => {
  assert.equal(origins("b x", record({ op: image, chain: ["b"] })), "base step0, ?");
  assert.equal(origins("b", record({ op: image })), "?");
  assert.equal(origins("b1 b2", record({ op: { exec: {} }, chain: ["b1", "b2"] })), "?, step0");
});
