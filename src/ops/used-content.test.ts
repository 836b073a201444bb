import assert from "node:assert/strict";
import { test } from "node:test";
import { layerOf } from "../testing/tree-text.ts";
import { usedContent } from "./used-content.ts";

test("what a step uses and is not there, or lies behind links in a circle, is told of as BuildKit tells of a cache key", async () => {
  const input = [layerOf("lower", ["f 644 0:0 here = x", "l 777 0:0 circle -> circle"])];
  const used = (path: string): Promise<string> => usedContent([{ path, followLinks: true, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [] }])(input, new AbortController().signal);
  assert.match(await used("/here"), /^sha256:/);
  const prefix = /^failed to compute cache key: failed to calculate checksum of ref stemma::\S+: /;
  for (const [path, complaint] of [["/gone", '"/gone": not found'], ["/circle", "too many links"]] as const) {
    await assert.rejects(used(path), (error: Error & { code?: string }) => error.code === "missing-input" && prefix.test(error.message) && error.message.endsWith(complaint), path);
  }
});
