import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../content/digest.ts";
import { layerOf } from "../testing/tree-text.ts";
import { sharedChecksum } from "./shared-checksum.ts";
import { Tree } from "./tree.ts";

const signal = new AbortController().signal;
const KNOWN = { find: () => undefined, save: () => undefined };

/** Named as of a COPY that leaves something out. */
async function nameOf(path: string, lines: readonly string[]): Promise<Digest> {
  const selection = { path, followLinks: true, wildcard: false, includePatterns: [], excludePatterns: ["left-out"], requiredPaths: [] };
  return await sharedChecksum(await Tree.open([layerOf("files", lines)], signal), selection, { known: KNOWN, rootCounts: false }, signal);
}

test("links that lie in the root are named by what they lead to, as BuildKit names them, and those further down as links", async () => {
  const lines = (kind: string, at: string): string[] => ["d 755 0:0 d", "f 644 0:0 d/f = x", kind === "link" ? `l 777 0:0 ${at} -> /d/f` : `f 644 0:0 ${at} = x`];
  assert.equal(await nameOf("/", lines("link", "g")), await nameOf("/", lines("file", "g")));
  assert.notEqual(await nameOf("/", lines("link", "d/g")), await nameOf("/", lines("file", "d/g")));
  assert.notEqual(await nameOf("/d", lines("link", "d/g")), await nameOf("/d", lines("file", "d/g")));
});

test("links in the root that lead nowhere, or in a circle, are named as links", async () => {
  const names = await Promise.all(["nowhere", "elsewhere", "g"].map((target) => nameOf("/", ["f 644 0:0 f = x", `l 777 0:0 g -> ${target}`])));
  assert.equal(new Set(names).size, 3);
});
