import assert from "node:assert/strict";
import { test } from "node:test";
import { runProcess } from "./process.ts";

/** Makes objects of which many live for a while, and tells how large the space for new ones has become. */
const HUNGRY = `
  import { setTimeout as delay } from "node:timers/promises";
  import { getHeapSpaceStatistics } from "node:v8";
  for (let round = 0, kept = []; round < 150; round++) {
    for (let i = 0; i < 10_000; i++) kept.push({ round, name: "object " + i });
    if (kept.length > 300_000) kept = [];
    await delay(1);
  }
  process.stdout.write(String(getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space").space_size / 1024 / 1024));
`;

async function youngMiB(before: string): Promise<number> {
  const { stdout, stderr } = await runProcess({ argv: [process.execPath, "--input-type=module", "-e", before + HUNGRY], env: {} }, AbortSignal.timeout(60_000));
  assert.equal(stderr.toString(), "");
  return Number(stdout.toString());
}

test("the space for new objects grows no further than is of use", async () => {
  const bounded = await youngMiB(`import { boundYoungHeap } from ${JSON.stringify(import.meta.resolve("./young-heap.ts"))}; boundYoungHeap();`);
  const free = await youngMiB("");
  assert.ok(bounded <= 32, `${bounded} MiB`);
  assert.ok(free > bounded, `without it, it would be ${free} MiB`);
});
