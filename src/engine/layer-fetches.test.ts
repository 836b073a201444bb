import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import type { DiffId } from "../content/digest.ts";
import type { BuildEvent } from "../progress/event.ts";
import { ImageLayer } from "../snapshot/image-layer.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import { LayerFetches } from "./layer-fetches.ts";
import { StepReporter } from "./step-reporter.ts";

const CONTENT = Buffer.from("a layer");
const DESCRIPTOR = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf(CONTENT), size: CONTENT.length };
const STEP = digestOf(Buffer.from("step"));

interface Shown {
  readonly fetches: LayerFetches;
  readonly steps: StepReporter;
  /** Each event in a word or two. */
  readonly told: string[];
}

/** One planned step; its clock goes on a second with each look at it. */
function opened(): Shown {
  let seconds = 0;
  const told: string[] = [];
  const tell = (event: BuildEvent): void => void told.push(event.kind === "step-progress" ? `${event.doneBytes}/${event.totalBytes}${event.finished ? " done" : ""}` : event.kind === "step-failed" ? `${event.kind} ${event.message}` : event.kind);
  const steps = new StepReporter(tell, { now: () => new Date(1000 * seconds++), nowNs: () => 0n }, new AbortController().signal);
  steps.planned([{ digest: STEP, name: "FROM base", inputs: [], metadata: {} }]);
  const fetches = new LayerFetches(steps);
  // Nobody asks the layer for what it holds.
  fetches.own(STEP, [new ImageLayer({ diffId: DESCRIPTOR.digest as string as DiffId, descriptor: DESCRIPTOR, repository: undefined, fetch: () => bytesOf(CONTENT) }, {} as LayerStore)]);
  return { fetches, steps, told };
}

async function* inParts(failure?: Error): AsyncGenerator<Uint8Array> {
  yield CONTENT.subarray(0, 3);
  if (failure !== undefined) throw failure;
  yield CONTENT.subarray(3);
}

test("a layer is a part of the step that owns it, which goes on as long", async () => {
  const { fetches, steps, told } = opened();
  await steps.step({ digest: STEP, name: "FROM base" }, async () => undefined);
  const chunks = await Array.fromAsync(fetches.shown(DESCRIPTOR, inParts()));
  assert.equal(Buffer.concat(chunks).toString(), "a layer");
  assert.deepEqual(told, ["step-planned", "step-started", "step-finished", "step-started", "0/7", "3/7", "7/7", "7/7 done", "step-finished"]);
});

test("a step of which a cache had the result stays cached", async () => {
  const { fetches, steps, told } = opened();
  steps.cached({ digest: STEP, name: "FROM base" });
  await Array.fromAsync(fetches.shown(DESCRIPTOR, inParts()));
  assert.deepEqual(told, ["step-planned", "step-cached", "0/7", "3/7", "7/7", "7/7 done"]);
});

test("what fails is not told as done, and its step fails with it, once", async () => {
  const { fetches, steps, told } = opened();
  await steps.step({ digest: STEP, name: "FROM base" }, async () => undefined);
  const [first, second] = [fetches.shown(DESCRIPTOR, inParts(new Error("reset"))), fetches.shown(DESCRIPTOR, inParts(new Error("stopped")))].map((bytes) => bytes[Symbol.asyncIterator]());
  await Promise.all([first?.next(), second?.next()]);
  await assert.rejects(async () => await first?.next(), /reset/);
  await assert.rejects(async () => await second?.next(), /stopped/);
  assert.deepEqual(told.slice(3), ["step-started", "0/7", "0/7", "3/7", "3/7", "3/7", "step-failed reset", "3/7"]);
  assert.equal(steps.failedName, "FROM base");
});

test("what nobody wants to the end is not told as done, and is no failure", async () => {
  const { fetches, steps, told } = opened();
  await steps.step({ digest: STEP, name: "FROM base" }, async () => undefined);
  for await (const _chunk of fetches.shown(DESCRIPTOR, inParts())) break;
  assert.deepEqual(told.slice(3), ["step-started", "0/7", "3/7", "3/7", "step-finished"]);
});

test("a layer of no step is not told", async () => {
  const { fetches, told } = opened();
  await Array.fromAsync(fetches.shown({ ...DESCRIPTOR, digest: STEP }, inParts()));
  assert.deepEqual(told, ["step-planned"]);
});
