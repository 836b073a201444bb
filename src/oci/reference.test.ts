import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  InvalidReferenceError, isNameOnly, parseReference, withDigest, withTag,
} from "./reference.ts";
import { processorMs } from "../testing/processor-time.ts";

function errorOf(text: string): string | undefined {
  try {
    parseReference(text);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof InvalidReferenceError);
    return error.message;
  }
}

describe("references", () => {
  test("a tag or digest of the wrong form cannot be attached", () => {
    const alpine = parseReference("alpine");
    assert.throws(() => withTag(alpine, "a:b"), InvalidReferenceError);
    assert.throws(() => withDigest(alpine, "sha256:abc"), InvalidReferenceError);
    assert.equal(isNameOnly(alpine), true);
    assert.equal(isNameOnly(withTag(alpine, "3")), false);
  });

  test("a long hostile name is refused in an instant", () => {
    const startedMs = processorMs();
    assert.notEqual(errorOf(`${"a-".repeat(20_000)}!`), undefined);
    assert.ok(processorMs() - startedMs < 1000);
  });
});
