import assert from "node:assert/strict";
import { test } from "node:test";
import { agoText, durationText, parseDuration } from "./human-time.ts";

const [SECOND, HOUR] = [1000, 3_600_000];

test("says how long ago as Docker does", () => {
  const cases = { "Less than a second": 999, "1 second": SECOND, "59 seconds": 59 * SECOND, "About a minute": 60 * SECOND, "2 minutes": 120 * SECOND, "About an hour": HOUR, "47 hours": 47 * HOUR, "2 days": 48 * HOUR, "2 weeks": 14 * 24 * HOUR, "2 months": 61 * 24 * HOUR, "2 years": 730 * 24 * HOUR };
  assert.deepEqual(Object.values(cases).map(agoText), Object.keys(cases).map((text) => `${text} ago`));
});

test("says how long", () => {
  assert.deepEqual([340, 63 * SECOND, 3723 * SECOND].map(durationText), ["0.3s", "1m  3s", "62m  3s"]);
});

test("reads durations as Go does, and days", () => {
  assert.deepEqual(["1h30m", "1.5s", "7d", "0", "150ms"].map(parseDuration), [5_400_000, 1500, 604_800_000, 0, 150]);
  assert.deepEqual(["", "5", "h", "1h later", "-1s"].map(parseDuration), Array(5).fill(undefined));
});
