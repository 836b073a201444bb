import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { lstatSync, mkdtempDisposableSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { bytesOf } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { lent } from "../testing/lent.ts";
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

test("what is lent is written as it came", async () => {
  const [path, bytes] = [join(scratch.path, "lent"), Buffer.from(Array.from({ length: 300_001 }, (_, at) => at % 251))];
  await writeToDestination({ kind: "path", path }, lent(bytes, 100_000), refuse, signal);
  assert.ok(readFileSync(path).equals(bytes));
});

test("a stop leaves the file that was there, though the bytes never come", async () => {
  const [path, stop] = [join(scratch.path, "stopped"), new AbortController()];
  writeFileSync(path, "before");
  const names = readdirSync(scratch.path);
  const stuck = async function* (): ByteStream {
    yield Buffer.from("half");
    stop.abort();
    await new Promise(() => undefined);
  };
  await assert.rejects(writeToDestination({ kind: "path", path }, stuck(), refuse, stop.signal), { name: "AbortError" });
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

test("what is no file, such as a pipe or /dev/null, is written into and stays what it is", async () => {
  const pipe = join(scratch.path, "pipe");
  assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
  const reader = spawn("cat", [pipe], { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = await Promise.all([reader.stdout.toArray(), writeToDestination({ kind: "path", path: pipe }, lent(Buffer.from("through"), 2), refuse, signal)]);
  assert.equal(Buffer.concat(text as Buffer[]).toString(), "through");
  assert.ok(lstatSync(pipe).isFIFO());
});

test("a link stays, and what it leads to is replaced", async () => {
  const [file, link] = [join(scratch.path, "linked.tar"), join(scratch.path, "link.tar")];
  writeFileSync(file, "before");
  symlinkSync(file, link);
  await writeToDestination({ kind: "path", path: link }, bytesOf(Buffer.from("after")), refuse, signal);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(readFileSync(file, "utf8"), "after");
});
