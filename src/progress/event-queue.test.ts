import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "./event.ts";
import { EventQueue } from "./event-queue.ts";

const notice = (message: string): BuildEvent => ({ kind: "notice", message });

test("hands events over in order, also those from before the reader came", async () => {
  const queue = new EventQueue();
  queue.push(notice("early"));
  setTimeout(() => {
    queue.push(notice("late"));
    queue.end();
  }, 5);
  assert.deepEqual(await Array.fromAsync(queue), [notice("early"), notice("late")]);
});

test("keeps what steps did, and drops output that nobody reads", async () => {
  const queue = new EventQueue();
  const output: BuildEvent = { kind: "step-output", step: digestOf(Buffer.from("s")), stream: "stdout", bytes: Buffer.from("x"), at: new Date(0) };
  for (let i = 0; i < 10_100; i++) queue.push(output);
  queue.push(notice("the end"));
  queue.end();
  const events = await Array.fromAsync(queue);
  assert.equal(events.length, 10_002);
  assert.deepEqual(events.slice(-2), [notice("the end"), notice("100 pieces of output were dropped, since nobody read them")]);
});

test("two readers share the events, and both are told of the end", async () => {
  const queue = new EventQueue();
  const readers = [Array.fromAsync(queue), Array.fromAsync(queue)];
  await new Promise((resolve) => setImmediate(resolve));
  queue.push(notice("one"));
  queue.push(notice("two"));
  queue.end();
  assert.deepEqual((await Promise.all(readers)).flat().toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)), [notice("one"), notice("two")]);
});

test("keeps no more than 16 MiB of output that nobody reads, and goes on when somebody does", async () => {
  const queue = new EventQueue();
  const output: BuildEvent = { kind: "step-output", step: digestOf(Buffer.from("s")), stream: "stdout", bytes: Buffer.alloc(1024 * 1024), at: new Date(0) };
  for (let i = 0; i < 20; i++) queue.push(output);
  let taken = 0;
  for await (const _ of queue) if (++taken === 16) break;
  queue.push(output);
  queue.end();
  assert.deepEqual(await Array.fromAsync(queue), [output, notice("4 pieces of output were dropped, since nobody read them")]);
});
