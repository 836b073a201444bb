import assert from "node:assert/strict";
import { test } from "node:test";
import { DURATION } from "./go-time.ts";
import { GoValue } from "./value.ts";
import { parseTemplate } from "./template.ts";

test("a duration is told as Go tells it", () => {
  const cases = { "0s": 0n, "999ns": 999n, "1.5µs": 1500n, "317.755357ms": 317_755_357n, "1s": 1_000_000_000n, "2.05s": 2_050_000_000n, "1m0s": 60_000_000_000n, "1h2m3.5s": 3_723_500_000_000n, "-1.5ms": -1_500_000n };
  const told = parseTemplate("", "{{range .}}{{.}} {{end}}").execute(Object.values(cases).map((ns) => new GoValue(DURATION, ns)));
  assert.deepEqual(told.trim().split(" "), Object.keys(cases));
});
