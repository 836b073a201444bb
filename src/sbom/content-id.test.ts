import assert from "node:assert/strict";
import { test } from "node:test";
import { uuidOf } from "./content-id.ts";

test("makes the UUID that others make of the same URL", () => {
  // Of Python's uuid.uuid5(uuid.NAMESPACE_URL, …).
  assert.equal(uuidOf("https://example.org/sbom/1"), "e7b9dc74-bf79-5734-a779-a4800a299223");
});
