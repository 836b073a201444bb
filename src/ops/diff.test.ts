import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../host/clock.ts";
import { message, OpSchema, type Op } from "../llb/op.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { layerFacts } from "../store/layer-facts.ts";
import { openStateDatabase } from "../store/state-database.ts";
import { file, imageLayer } from "../testing/layer-samples.ts";
import { MemoryLayerStore } from "../testing/memory-layer-store.ts";
import { diffOperation } from "./diff.ts";
import { OperationError } from "./operation-error.ts";
import { passthroughOperation } from "./passthrough.ts";

const signal = new AbortController().signal;
const layers = new MemoryLayerStore();
const services = { layers, facts: layerFacts(openStateDatabase(":memory:")), clock: systemClock };

type Diff = Extract<Op["op"], { case: "diff" }>["value"];

async function diffOf(lower: LayerChain | undefined, upper: LayerChain | undefined): Promise<LayerChain> {
  const inputs = [lower, upper].filter((chain) => chain !== undefined);
  const { op } = message(OpSchema, { op: { case: "diff", value: { lower: { input: lower === undefined ? -1n : 0n }, upper: { input: upper === undefined ? -1n : BigInt(inputs.length - 1) } } } });
  // As made above.
  const [chain = []] = await diffOperation(op.value as Diff, services).execute(inputs, signal);
  return chain;
}

const pathsOf = async (chain: LayerChain): Promise<readonly string[]> => (await Promise.all(chain.map(async (layer) => await layer.entries(signal)))).flat().map(({ path, kind }) => `${kind} ${path}`);

const [a, b, c] = [await imageLayer(layers, file("a", "1"), file("both", "2", { mtimeNs: 1n })), await imageLayer(layers, file("b", "3")), await imageLayer(layers, file("c", "4"), file("both", "2", { mtimeNs: 1n }))];

test("of what was built on the other, the layers are the difference as they are", async () => {
  assert.deepEqual(await diffOf([a], [a, b, c]), [b, c]);
  assert.deepEqual(await diffOf(undefined, [a, b]), [a, b]);
  assert.deepEqual([await diffOf([a], [a]), await diffOf(undefined, undefined)], [[], []]);
});

test("of other trees it is one layer: what is gone, what is new, and not what both have", async () => {
  assert.deepEqual(await pathsOf(await diffOf([a, b], [c])), ["whiteout a", "whiteout b", "file c"]);
  assert.deepEqual(await pathsOf(await diffOf([a, b], [a])), ["whiteout b"], "an earlier state of the same");
  assert.deepEqual(await pathsOf(await diffOf([b], undefined)), ["whiteout b"]);
});

test("a graph that says otherwise than it gives is refused", async () => {
  const { op } = message(OpSchema, { op: { case: "diff", value: { lower: { input: 0n }, upper: { input: 1n } } } });
  await assert.rejects(diffOperation(op.value as Diff, services).execute([[a]], signal), OperationError);
});

test("what passes through is one of the inputs, or an error", async () => {
  const through = async (...outputs: readonly bigint[]): Promise<readonly LayerChain[]> => {
    const { op } = message(OpSchema, { op: { case: "passthrough", value: { id: "x", outputs: [...outputs] } } });
    return await passthroughOperation(op.value as Extract<Op["op"], { case: "passthrough" }>["value"], 2).execute([[a], [b]], signal);
  };
  assert.deepEqual(await through(1n, 0n, 1n), [[b], [a], [b]]);
  await assert.rejects(through(2n), /invalid passthrough output input index 2/);
  await assert.rejects(through(-1n), /invalid passthrough output input index -1/);
});
