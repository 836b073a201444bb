import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRfc3339, rfc3339Nano } from "./timestamp.ts";

test("writes times as Go does, and reads them back", () => {
  for (const text of ["2026-11-22T11:08:15.12356173Z", "2023-11-14T22:13:20Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00.000000001Z"]) {
    assert.equal(rfc3339Nano(parseRfc3339(text)), text);
  }
  assert.equal(rfc3339Nano(parseRfc3339("2024-01-01T02:00:00+02:00")), "2024-01-01T00:00:00Z");
});

test("refuses what is no time", () => {
  assert.throws(() => parseRfc3339("yesterday"), /not a time in RFC 3339: "yesterday"/);
});
