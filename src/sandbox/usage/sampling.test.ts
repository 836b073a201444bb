import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { Sampling } from "./sampling.ts";
import type { UsageObject } from "./usage-tree.ts";

const START = Date.UTC(2026, 0, 1);

interface Run {
  /** Lets this much time pass. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly sampling: Sampling;
}

function started(t: TestContext, samplesMax: number, read: () => Promise<UsageObject | undefined>): Run {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = START;
  const clock = { now: () => new Date(now), nowNs: () => BigInt(now) * 1_000_000n };
  const sampling = new Sampling({ read, samplesMax, clock });
  const pass = async (seconds: number): Promise<void> => {
    for (let ms = 0; ms < seconds * 1000; ms++) {
      now++;
      t.mock.timers.tick(1);
      if (ms % 10 === 9) await turn();
    }
  };
  return { pass, sampling };
}

const secondsOf = (samples: readonly UsageObject[]): readonly number[] => samples.map(({ timestamp }) => Math.round((Date.parse(typeof timestamp === "string" ? timestamp : "") - START) / 1000));

test("a short run has one sample, of its end", async (t) => {
  const { pass, sampling } = started(t, 10, async () => ({ n: 1 }));
  await pass(1);
  assert.deepEqual(await sampling.finish(), [{ timestamp: "2026-01-01T00:00:01Z", n: 1 }]);
});

test("a longer one has some every two seconds, and the last of its end", async (t) => {
  const { pass, sampling } = started(t, 10, async () => ({}));
  await pass(7);
  assert.deepEqual(secondsOf(await sampling.finish()), [2, 4, 6, 7]);
});

test("a long one has them less often, also those of its beginning", async (t) => {
  const { pass, sampling } = started(t, 3, async () => ({}));
  await pass(60);
  const seconds = secondsOf(await sampling.finish());
  assert.ok(seconds.length <= 5, seconds.join());
  const gaps = seconds.slice(1, -1).map((second, i) => second - (seconds[i] ?? 0));
  assert.ok(gaps.every((gap) => gap >= 16), gaps.join());
});

test("where there is nothing to be measured there are no samples", async (t) => {
  const { pass, sampling } = started(t, 10, async () => undefined);
  await pass(5);
  assert.deepEqual(await sampling.finish(), []);
});

for (const [what, seconds] of [["is told at the end", 5], ["is not missed where it could be read again", 7]] as const) {
  test(`what cannot be read ${what}`, async (t) => {
    let readings = 0;
    const { pass, sampling } = started(t, 10, async () => {
      if (++readings === 2) throw new Error("EIO");
      return {};
    });
    await pass(seconds);
    if (seconds === 5) await assert.rejects(sampling.finish(), /EIO/);
    else assert.deepEqual(secondsOf(await sampling.finish()), [2, 6, 7]);
  });
}

test("nothing is measured any more after the end", async (t) => {
  let readings = 0;
  const { pass, sampling } = started(t, 10, async () => {
    readings++;
    return {};
  });
  await pass(3);
  await sampling.finish();
  await pass(10);
  assert.equal(readings, 2);
});
