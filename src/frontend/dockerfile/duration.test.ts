import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, parseDuration } from "./duration.ts";

test("a duration that its fraction carries over the limit is refused, and the least one is not", () => {
  assert.equal(parseDuration("-9223372036854775808ns"), -(2n ** 63n));
  assert.throws(() => parseDuration("9223372036854775807.9µs"), { message: 'time: invalid duration "9223372036854775807.9\\xc2\\xb5s"' });
  assert.equal(formatDuration(-1_500_000n), "-1.5ms");
});
