import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContentSelection } from "../snapshot/tree-selection.ts";
import { layerOf } from "../testing/tree-text.ts";
import { sharedContent } from "./shared-content.ts";
import { usedContent } from "./used-content.ts";

test("what a step uses and is not there, or lies behind links in a circle, is told of as BuildKit tells of a cache key", async () => {
  const input = [layerOf("lower", ["f 644 0:0 here = x", "l 777 0:0 circle -> circle"])];
  const { signal } = new AbortController();
  const known = { find: () => undefined, save: () => undefined };
  const selected = (path: string): readonly ContentSelection[] => [{ path, followLinks: true, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [] }];
  const ways = [(path: string) => usedContent(selected(path))(input, signal), (path: string) => sharedContent(selected(path), known)(input, signal)];
  for (const used of ways) assert.match(await used("/here"), /^sha256:/);
  const prefix = /^failed to compute cache key: failed to calculate checksum of ref stemma::\S+: /;
  for (const [path, complaint] of [["/gone", '"/gone": not found'], ["/circle", "too many links"]] as const) {
    for (const used of ways) await assert.rejects(used(path), (error: Error & { code?: string }) => error.code === "missing-input" && prefix.test(error.message) && error.message.endsWith(complaint), path);
  }
});
