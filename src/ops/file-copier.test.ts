import assert from "node:assert/strict";
import { test } from "node:test";
import { TreeDraft } from "../snapshot/tree-draft.ts";
import { Tree } from "../snapshot/tree.ts";
import { layerOf } from "../testing/tree-text.ts";
import { manyFiles, turnsDuring } from "../testing/turns-during.ts";
import { FileCopier } from "./file-copier.ts";

const FILES = 20_000;
const { signal } = new AbortController();
const rules = { stamp: { owner: undefined, mtimeNs: undefined }, nowNs: 0n, mode: undefined, includePatterns: [], excludePatterns: [], replaceExisting: false };

async function copier(): Promise<{ readonly copier: FileCopier; readonly draft: TreeDraft }> {
  const source = await Tree.open([layerOf("source", manyFiles(FILES))], signal);
  const draft = new TreeDraft(await Tree.open([], signal), () => 0n);
  return { copier: new FileCopier(source, draft, rules), draft };
}

test("a copy of many files of one directory lets others have their turn, and is whole", async () => {
  const { copier: copies, draft } = await copier();
  const turns = await turnsDuring(() => copies.copy("many", "copied", signal));
  assert.ok(turns > 2, `${turns} turns`);
  assert.equal(draft.children("copied").length, FILES);
});

test("an abort stops a copy of many files on its way", async () => {
  const { copier: copies, draft } = await copier();
  const controller = new AbortController();
  const copied = copies.copy("many", "copied", controller.signal);
  setImmediate(() => controller.abort(new Error("stop")));
  await assert.rejects(copied, /stop/);
  assert.ok(draft.children("copied").length < FILES);
});
