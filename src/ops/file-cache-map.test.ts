import assert from "node:assert/strict";
import { test } from "node:test";
import { FileOpSchema, message, type FileOp } from "../llb/op.ts";
import { layerOf } from "../testing/tree-text.ts";
import { fileCacheMap } from "./file-operation.ts";

const ON_BASE = 0n;
const SOURCE = 1n;

function copyOf(sources: readonly string[], secondaryInput: bigint = SOURCE): FileOp {
  return message(FileOpSchema, { actions: sources.map((src, i) => ({ input: i === 0 ? ON_BASE : BigInt(i + 1), secondaryInput, output: i === sources.length - 1 ? 0n : -1n, action: { case: "copy" as const, value: { src, dest: "/out/" } } })) });
}

/** What names the result, for a source of these files. */
async function keyed(op: FileOp, ...files: readonly string[]): Promise<readonly unknown[]> {
  const { digest, contentOf } = fileCacheMap(op, 2);
  return [digest, await contentOf[Number(SOURCE)]?.([layerOf(files.join("-"), files)], new AbortController().signal)];
}

test("where in a source lies what is copied does not count, only what it is called", async () => {
  const copied = await keyed(copyOf(["/one/a"]), "d 755 0:0 one", "f 644 0:0 one/a = x");
  assert.deepEqual(await keyed(copyOf(["/two/a"]), "d 755 0:0 two", "f 644 0:0 two/a = x"), copied);
  assert.notDeepEqual(await keyed(copyOf(["/one/b"]), "d 755 0:0 one", "f 644 0:0 one/b = x"), copied);
  assert.notDeepEqual(await keyed(copyOf(["/one/a"]), "d 755 0:0 one", "f 644 0:0 one/a = y"), copied);
});

test("of several sources it counts which comes last", async () => {
  const files = ["d 755 0:0 one", "f 644 0:0 one/a = x", "d 755 0:0 two", "f 644 0:0 two/a = y"];
  assert.notDeepEqual(await keyed(copyOf(["/one/a", "/two/a"]), ...files), await keyed(copyOf(["/two/a", "/one/a"]), ...files));
});

test("what is copied out of the tree that is built upon is named in full", () => {
  assert.notEqual(fileCacheMap(copyOf(["/one/a"], ON_BASE), 1).digest, fileCacheMap(copyOf(["/two/a"], ON_BASE), 1).digest);
});
