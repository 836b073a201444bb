import assert from "node:assert/strict";
import { mkdtempDisposableSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { bytesOf } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { writeToDestination } from "./file-destination.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-destination-"));
after(() => scratch.remove());

const refuse = (): Promise<void> => Promise.reject(new Error("nothing goes to standard output here"));

async function* breakOff(): ByteStream {
  yield Buffer.from("half");
  throw new Error("broke off");
}

test("a file gets its name, and the directories above it, once it is whole", async () => {
  const path = join(scratch.path, "new/deep/out.tar");
  const seen: string[][] = [];
  const watched = async function* (): ByteStream {
    yield Buffer.from("con");
    seen.push(readdirSync(dirname(path)).filter((name) => name === "out.tar"));
    yield Buffer.from("tent");
  };
  await writeToDestination({ kind: "path", path }, watched(), refuse, signal);
  assert.deepEqual(seen, [[]]);
  assert.equal(readFileSync(path, "utf8"), "content");
});

test("what breaks off leaves the file that was there, and nothing beside it", async () => {
  const path = join(scratch.path, "kept.tar");
  writeFileSync(path, "before");
  const names = readdirSync(scratch.path);
  await assert.rejects(writeToDestination({ kind: "path", path }, breakOff(), refuse, signal), /broke off/);
  assert.equal(readFileSync(path, "utf8"), "before");
  assert.deepEqual(readdirSync(scratch.path), names);
});

test("standard output takes one chunk after the other", async () => {
  const taken: string[] = [];
  let isBusy = false;
  const stdout = async (chunk: Uint8Array): Promise<void> => {
    assert.equal(isBusy, false);
    isBusy = true;
    await Promise.resolve();
    isBusy = false;
    taken.push(Buffer.from(chunk).toString());
  };
  await writeToDestination({ kind: "stdout" }, bytesOf(Buffer.from("a"), Buffer.from("b")), stdout, signal);
  assert.deepEqual(taken, ["a", "b"]);
});
