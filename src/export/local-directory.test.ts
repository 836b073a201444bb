import assert from "node:assert/strict";
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempDisposableSync, readFileSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Member } from "../archive/member.ts";
import { directory, file, hardLink, members, special, symlink } from "../testing/layer-samples.ts";
import { ExportError } from "./error.ts";
import { writeLocalDirectory } from "./local-directory.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-local-"));
after(() => scratch.remove());

let places = 0;
const place = (): string => join(scratch.path, String(places++), "out");

async function written(path: string, ...all: readonly Member[]): Promise<string> {
  await writeLocalDirectory({ path, mode: "copy" }, members(...all), signal);
  return path;
}

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);
const mtimeOf = (path: string): number => lstatSync(path).mtimeMs;

test("files, directories and links come with their modes and times, and belong to who runs this", async () => {
  const at = (seconds: bigint): { mtimeNs: bigint } => ({ mtimeNs: seconds * 1_000_000_000n });
  const out = await written(place(),
    directory("d", { mode: 0o2750, ...at(1_000_000_000n) }), file("d/f", "content", { mode: 0o4755, uid: 1234, gid: 1234, ...at(1_100_000_000n) }),
    symlink("l", "d/f", at(1_200_000_000n)), hardLink("second", "d/f"));
  assert.equal(readFileSync(join(out, "d/f"), "utf8"), "content");
  assert.equal(readlinkSync(join(out, "l")), "d/f");
  assert.equal(lstatSync(join(out, "second")).ino, lstatSync(join(out, "d/f")).ino);
  assert.deepEqual([modeOf(out), modeOf(join(out, "d")), modeOf(join(out, "d/f"))], ["700", "2750", "4755"]);
  assert.deepEqual(["d", "d/f", "l"].map((path) => mtimeOf(join(out, path)) / 1000), [1_000_000_000, 1_100_000_000, 1_200_000_000]);
  assert.equal(lstatSync(join(out, "d/f")).uid, process.geteuid?.());
});

test("names that are no UTF-8 keep their bytes", async () => {
  const out = await written(place(), directory("d\uDCFF"), file("d\uDCFF/f\uDCFE", "x"), symlink("l\uDCFD", "d\uDCFF/f\uDCFE"), hardLink("h\uDCFC", "d\uDCFF/f\uDCFE"));
  const bytes = (path: string): Buffer => Buffer.from(path, "latin1");
  const names = (path: string): string[] => readdirSync(bytes(path), "latin1").toSorted();
  assert.deepEqual([names(out), names(`${out}/d\xFF`)], [["d\xFF", "h\xFC", "l\xFD"], ["f\xFE"]]);
  assert.equal(readlinkSync(bytes(`${out}/l\xFD`), "latin1"), "d\xFF/f\xFE");
});

test("a directory that its own mode closes can still be filled", async () => {
  const out = await written(place(), directory("closed", { mode: 0o500 }), file("closed/f", "x"));
  assert.equal(modeOf(join(out, "closed")), "500");
  assert.equal(readFileSync(join(out, "closed/f"), "utf8"), "x");
});

test("what the directory holds stays, but for what has the same name", async () => {
  const out = place();
  mkdirSync(join(out, "d"), { recursive: true });
  for (const name of ["kept", "d/kept", "d/replaced"]) writeFileSync(join(out, name), "old");
  chmodSync(out, 0o755);
  await written(out, directory("d"), file("d/replaced", "new"), file("d/added", "new"));
  assert.deepEqual(["kept", "d/kept", "d/replaced", "d/added"].map((name) => readFileSync(join(out, name), "utf8")), ["old", "old", "new", "new"]);
  assert.equal(modeOf(out), "755");
});

test("links in the way are replaced, and nothing is written where they point", async () => {
  const out = place();
  const outside = join(out, "../outside");
  mkdirSync(outside, { recursive: true });
  mkdirSync(out);
  writeFileSync(join(outside, "victim"), "untouched");
  symlinkSync(outside, join(out, "d"));
  symlinkSync(join(outside, "victim"), join(out, "f"));
  symlinkSync(join(outside, "victim"), join(out, "l"));
  await written(out, directory("d"), file("d/inside", "x"), file("f", "new"), symlink("l", "elsewhere"));
  assert.deepEqual(readdirSync(outside), ["victim"]);
  assert.equal(readFileSync(join(outside, "victim"), "utf8"), "untouched");
  assert.ok(lstatSync(join(out, "d")).isDirectory() && lstatSync(join(out, "f")).isFile());
  assert.equal(readlinkSync(join(out, "l")), "elsewhere");
});

test("a link of the result itself leads no later file out of the directory", async () => {
  const out = place();
  await assert.rejects(written(out, symlink("d", ".."), file("d/escaped", "x")), (error) => error instanceof ExportError);
  assert.equal(existsSync(join(out, "../escaped")), false);
});

const refuses = (message: RegExp) => (error: unknown): boolean => error instanceof ExportError && error.code === "destination" && !error.retryable && message.test(error.message);

test("devices and pipes are refused, and the way out is named", async () => {
  await assert.rejects(written(place(), special("null", "char", { major: 1, minor: 3 })), refuses(/^\/null: a device cannot .* --output type=tar$/));
  await assert.rejects(written(place(), special("pipe", "fifo")), refuses(/^\/pipe: a named pipe cannot/));
});

test("a directory is not taken away for a file of its name", async () => {
  const out = place();
  mkdirSync(join(out, "data"), { recursive: true });
  writeFileSync(join(out, "data/precious"), "x");
  await assert.rejects(written(out, file("data", "file")), refuses(/is a directory, and the result has a file of that name/));
  assert.equal(readFileSync(join(out, "data/precious"), "utf8"), "x");
});

test("a file whose content breaks off leaves the old one, and no part of the new one", async () => {
  const out = await written(place(), file("f", "old"));
  const breaking: Member = { ...file("f", "new content"), content: breakOff() };
  await assert.rejects(written(out, breaking), /broke off/);
  assert.deepEqual(readdirSync(out), ["f"]);
  assert.equal(readFileSync(join(out, "f"), "utf8"), "old");
});

async function* breakOff(): AsyncIterable<Uint8Array> {
  yield Buffer.from("new");
  throw new Error("broke off");
}

test("an abort stops between two files", async () => {
  const out = place();
  const stopping = new AbortController();
  const endless = async function* (): AsyncIterable<Member> {
    for (let i = 0; ; i++) {
      if (i === 3) stopping.abort(new Error("enough"));
      yield file(`f${i}`, "x");
    }
  };
  await assert.rejects(writeLocalDirectory({ path: out, mode: "copy" }, endless(), stopping.signal), /enough/);
  assert.deepEqual(readdirSync(out).toSorted(), ["f0", "f1", "f2"]);
});

test("mode delete leaves what the result names and nothing else, and never what a link leads to", async () => {
  const out = place();
  mkdirSync(out, { recursive: true });
  const kept = place();
  mkdirSync(kept, { recursive: true });
  writeFileSync(join(kept, "safe"), "safe");
  mkdirSync(join(out, "d/old/deep"), { recursive: true });
  for (const path of ["old", "d/old/deep/file", "d/same"]) writeFileSync(join(out, path), "old");
  writeFileSync(Buffer.concat([Buffer.from(`${out}/`), Buffer.of(0xff)]), "no UTF-8");
  mkdirSync(join(out, "file/full"), { recursive: true });
  symlinkSync(kept, join(out, "link"));
  symlinkSync(kept, join(out, "d/link"));
  await writeLocalDirectory({ path: out, mode: "delete" }, members(directory("d"), file("d/same", "new"), file("file", "file"), directory("link"), file("link/x", "x"), symlink("out", kept)), signal);
  assert.deepEqual(readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith("out/")).toSorted(), ["d", "d/same", "file", "link", "link/x", "out"]);
  assert.equal(readFileSync(join(out, "d/same"), "utf8"), "new");
  assert.deepEqual(readdirSync(kept), ["safe"]);
});

test("mode delete takes nothing away where the result breaks off", async () => {
  const out = place();
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "old"), "old");
  async function* broken(): ReturnType<typeof members> {
    yield file("new", "new");
    throw new Error("broken");
  }
  await assert.rejects(writeLocalDirectory({ path: out, mode: "delete" }, broken(), signal), /broken/);
  assert.deepEqual(readdirSync(out).toSorted(), ["new", "old"]);
});
