import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempDisposableSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ArchiveError } from "../archive/archive-error.ts";
import { CorruptBlobError } from "../content/blob-store.ts";
import { bytesOf } from "../content/bytes.ts";
import { SystemCallError } from "../syscall/native-function.ts";
import { directory, file, members } from "../testing/layer-samples.ts";
import { turnsDuring } from "../testing/turns-during.ts";
import { LayerThreads, type LayerOrder } from "./layer-threads.ts";
import { writeTarForm } from "./layer-writer.ts";
import type { LayerId } from "./layer.ts";
import { privilegeIn } from "./privilege.ts";
import { errorOf, failureOf } from "./thread-failure.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-threads-"));
const threads = new LayerThreads();
const MANY = 4000;
let made = 0;

after(async () => {
  await threads[Symbol.asyncDispose]();
  scratch.remove();
});

function fresh(): string {
  const path = join(scratch.path, String(made++));
  mkdirSync(path);
  return path;
}

/** A layer on disk, and what is to be done with it. */
async function unpackOrder(count: number): Promise<{ readonly order: LayerOrder; readonly tree: string; readonly tar: string }> {
  const [layer, tree] = [fresh(), fresh()];
  await writeTarForm(layer, members(directory("d", { mode: 0o750 }), ...Array.from({ length: count }, (_, i) => file(`d/${i}`, `content ${i}`))), signal);
  return { order: { kind: "unpack", layer: { id: "made-here" as LayerId, directory: layer }, tree, privilege: privilegeIn(scratch.path).form }, tree, tar: join(layer, "tar") };
}

test("unpacks more layers at once than there are threads, and leaves the event loop to others", async () => {
  const orders = await Promise.all(Array.from({ length: 10 }, (_, i) => unpackOrder(i === 0 ? MANY : 3)));
  const turns = await turnsDuring(() => Promise.all(orders.map(({ order }) => threads.carryOut(order, bytesOf(), signal))));
  for (const [i, { tree }] of orders.entries()) {
    assert.equal(readdirSync(join(tree, "d")).length, i === 0 ? MANY : 3);
    assert.equal(readFileSync(join(tree, "d/2"), "utf8"), "content 2");
    assert.equal(statSync(join(tree, "d")).mode & 0o777, 0o750);
  }
  // In slices on this thread it would be some forty.
  assert.ok(turns > 1000, `${turns} turns`);
});

test("a failure is told as if it had happened here, and the thread serves the next", async () => {
  const { order, tar, tree } = await unpackOrder(1);
  truncateSync(tar, 700);
  await assert.rejects(threads.carryOut(order, bytesOf(), signal), (error) => error instanceof CorruptBlobError && error.code === "damaged" && error.message.includes("d/0"));
  const { order: other } = await unpackOrder(1);
  assert.ok(other.kind === "unpack");
  await assert.rejects(threads.carryOut({ ...other, tree: join(tree, "not/there") }, bytesOf(), signal), { code: "ENOENT", syscall: "mkdir", path: join(tree, "not/there/d") });
  await threads.carryOut(other, bytesOf(), signal);
  assert.deepEqual(readdirSync(other.tree), ["d"]);
});

test("work that nobody wants any more ends, under way or not begun, and writes nothing afterwards", async () => {
  const orders = await Promise.all(Array.from({ length: 10 }, () => unpackOrder(MANY / 4)));
  const stopping = new AbortController();
  const reason = new Error("stopped");
  const all = Promise.allSettled(orders.map(({ order }) => threads.carryOut(order, bytesOf(), stopping.signal)));
  while (!orders.some(({ tree }) => readdirSync(tree).includes("d"))) await new Promise(setImmediate);
  stopping.abort(reason);
  const ends = await all;
  const written = orders.map(({ tree }) => readdirSync(tree, { recursive: true }).length);
  assert.ok(ends.some((end) => end.status === "rejected"));
  for (const end of ends) if (end.status === "rejected") assert.equal(end.reason, reason);
  await threads.carryOut((await unpackOrder(1)).order, bytesOf(), signal);
  assert.deepEqual(orders.map(({ tree }) => readdirSync(tree, { recursive: true }).length), written);
  for (const { tree } of orders) chmodSync(tree, 0o755);
});

test("an error keeps its class, its code and its causes on the way from one thread to another", () => {
  const cause = new SystemCallError("utimensat", 28, "/a");
  const error = errorOf(structuredClone(failureOf(new ArchiveError("too-large", "beyond the limit", { cause }))));
  assert.ok(error instanceof ArchiveError && error.code === "too-large" && error.cause instanceof Error);
  assert.deepEqual(Object.fromEntries(Object.entries(error.cause)), { name: "SystemCallError", code: "ENOSPC", errno: 28, syscall: "utimensat" });
  assert.equal(error.cause.message, cause.message);
  assert.equal(error.cause.stack, cause.stack);
  assert.equal(errorOf(structuredClone(failureOf("no error"))).message, "no error");
});
