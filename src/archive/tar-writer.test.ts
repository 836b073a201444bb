import assert from "node:assert/strict";
import { createReadStream, existsSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { lent } from "../testing/lent.ts";
import { ArchiveError } from "./archive-error.ts";
import { decompress } from "./decompress.ts";
import type { Entry, EntryKind } from "./entry.ts";
import type { Member } from "./member.ts";
import { comparePaths } from "./path-bytes.ts";
import { readTar } from "./tar-reader.ts";
import { entryHeaderSize, writeTar } from "./tar-writer.ts";

const conformance = process.env["STEMMA_CONFORMANCE"] ?? join(import.meta.dirname, "../../../shared/conformance");
const rebuildable = join(conformance, "samples/rebuildable");
const skip = existsSync(rebuildable) ? false : "no conformance data";
const EPOCH_NS = 1_700_000_000_000_000_000n;

test("writes RUN layers as BuildKit does, byte for byte: fifo, hard link, set-user-id, mount points", { skip }, async () => {
  await assertDiffId("91-run-changes", 1, [
    member("d", "directory"), member("d/fifo", "fifo", { mode: 0o644 }), file("d/hard", "1\n", { mode: 0o4755 }),
    member("d/soft", "symlink", { mode: 0o777, linkname: "x/f" }), member("d/x", "directory"),
    member("d/x/f", "hardlink", { mode: 0o4755, linkname: "d/hard" }), member("proc", "directory"), member("sys", "directory"),
  ]);
});

test("writes whiteouts as BuildKit does", { skip }, async () => {
  await assertDiffId("91-run-changes", 3, [
    member("d", "directory"), whiteout("d/fifo"), whiteout("d/hard"), file("d/new", "3\n"), whiteout("d/x"),
  ]);
});

test("writes directories alone as BuildKit does", { skip }, async () => {
  await assertDiffId("90-files-and-modes", 5, [member("a", "directory"), member("a/b", "directory"), member("a/b/c", "directory")]);
});

test("writes a long name and one that is not ASCII as BuildKit does", { skip }, async () => {
  const members: Member[] = [];
  for await (const { entry, content } of readTar(createReadStream(join(rebuildable, "90-files-and-modes/context.tar")))) {
    const bytes = await collectBytes(content, 1e6);
    if (entry.path.startsWith("app")) members.push({ entry: { ...entry, mtimeNs: EPOCH_NS }, content: bytesOf(bytes) });
  }
  await assertDiffId("90-files-and-modes", 1, members.toSorted((a, b) => comparePaths(a.entry.path, b.entry.path)));
});

test("what is written is read back the same", async () => {
  const entries: readonly Entry[] = [
    entryOf("directory", "directory", { mode: 0o1777, uid: 4_000_000, gid: 12, mtimeNs: -1_500_000_000n }),
    entryOf(`${"p".repeat(90)}/${"n".repeat(90)}`, "file"),
    entryOf(`${"long/".repeat(60)}end`, "symlink", { linkname: "ü".repeat(120) }),
    entryOf("bad-\uDC80\uDCFF", "file", { mtimeNs: EPOCH_NS + 1n }),
    entryOf("cap", "file", { xattrs: new Map([["security.capability", Buffer.of(1, 0, 0x80, 0xff, 10)], ["user.a b", Buffer.alloc(0)]]) }),
    entryOf("hard", "hardlink", { linkname: "cap" }),
    entryOf("disk", "block", { device: { major: 259, minor: 70_000 } }),
    whiteout("directory/gone").entry, entryOf("directory", "opaque"), entryOf("", "opaque"), entryOf("", "directory"),
  ];
  const written = writeTar(stream(entries.map((entry) => ({ entry, content: bytesOf() }))));
  const read = (await Array.fromAsync(readTar(written))).map(({ entry }) => entry);
  assert.deepEqual(read, entries);
});

test("GNU tar reads what is written", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-tar-"));
  const path = join(scratch.path, "a.tar");
  writeFileSync(path, await collectBytes(writeTar(stream([
    member("ünï", "directory"), file(`ünï/${"n".repeat(150)}`, "content"), member("ünï/link", "symlink", { linkname: "l".repeat(150) }),
    member("hard", "hardlink", { linkname: `ünï/${"n".repeat(150)}` }),
  ])), 1e6));
  const listing = spawnSync("tar", ["--full-time", "--numeric-owner", "-tvf", path], { env: { LC_ALL: "C.UTF-8", TZ: "UTC", PATH: "/usr/bin:/bin" }, encoding: "utf8" });
  assert.equal(listing.stderr, "");
  assert.deepEqual(listing.stdout.trimEnd().split("\n").map((line) => line.replace(/ +/g, " ").replaceAll(/([nl])\1{149}/g, "$1*")), [
    "drwxr-xr-x 0/0 0 2023-11-14 22:13:20 ünï/",
    "-rw-r--r-- 0/0 7 2023-11-14 22:13:20 ünï/n*",
    "lrwxr-xr-x 0/0 0 2023-11-14 22:13:20 ünï/link -> l*",
    "hrwxr-xr-x 0/0 0 2023-11-14 22:13:20 hard link to ünï/n*",
  ]);
});

test("content begins where the header's size says", async () => {
  const long = file(`${"n".repeat(200)}/${"n".repeat(200)}`, "content");
  const [read] = await Array.fromAsync(readTar(writeTar(stream([long]))));
  assert.equal(read?.contentOffsetBytes, entryHeaderSize(long.entry));
});

test("large files pass through whole, small ones are gathered", async () => {
  const big = Buffer.alloc(3_000_000, 5);
  const chunks = await Array.fromAsync(writeTar(stream([
    { entry: entryOf("big", "file", { sizeBytes: big.length }), content: bytesOf(big) },
    ...Array.from({ length: 1000 }, (_, at) => file(`small-${at}`, "x")),
  ])));
  assert.ok(chunks.some((chunk) => chunk.byteLength === big.length));
  assert.ok(chunks.length < 12, `${chunks.length} chunks`);
});

for (const chunks of ["lent", "kept"] as const) {
  test(`content may be lent in small chunks, and the archive is then ${chunks}`, async () => {
    const content = Buffer.from(Array.from({ length: 700_001 }, (_, at) => at % 251));
    const entry = entryOf("a", "file", { sizeBytes: content.length });
    const expected = await collectBytes(writeTar(stream([{ entry, content: bytesOf(content) }, file("b", "b")])), 1e6);
    const written: Uint8Array[] = [];
    for await (const chunk of writeTar(stream([{ entry, content: lent(content, 10_000) }, file("b", "b")]), chunks)) {
      written.push(chunks === "lent" ? Buffer.from(chunk) : chunk);
    }
    assert.ok(Buffer.concat(written).equals(expected));
  });
}

test("what is lent lies in one buffer, however long the archive is", async () => {
  const memories = new Set<unknown>();
  for await (const { buffer } of writeTar(stream(Array.from({ length: 3000 }, (_, at) => file(`small-${at}`, "x"))), "lent")) memories.add(buffer);
  assert.equal(memories.size, 1);
});

test("refuses content of another size than announced", async () => {
  for (const sizeBytes of [2, 4]) {
    const wrong = { entry: entryOf("a", "file", { sizeBytes }), content: bytesOf(Buffer.from("abc")) };
    await assert.rejects(collectBytes(writeTar(stream([wrong])), 1e6), ArchiveError);
  }
});

test("the busybox layer that BuildKit pushed is the one that its config names", { skip }, async () => {
  const config = JSON.parse(readFileSync(join(rebuildable, "90-files-and-modes/max-v1/registry/manifest0-amd64.config.json"), "utf8")) as { rootfs: { diff_ids: string[] } };
  const directory = join(conformance, "samples/bases/busybox");
  const index = JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as { manifests: Array<{ digest: string }> };
  const blob = (digest: string): string => join(directory, "blobs", digest.replace(":", "/"));
  const manifest = JSON.parse(readFileSync(blob(index.manifests[0]?.digest ?? ""), "utf8")) as { layers: Array<{ digest: string }> };
  const layer = blob(manifest.layers[0]?.digest ?? "");
  assert.equal(await digestOfStream(decompress(createReadStream(layer))), config.rootfs.diff_ids[0]);
  const members = await Array.fromAsync(readTar(decompress(createReadStream(layer))));
  assert.ok(members.filter(({ entry }) => entry.kind === "hardlink" && entry.linkname === "bin/busybox").length > 100);
});

async function assertDiffId(sample: string, layer: number, members: readonly Member[]): Promise<void> {
  const config = JSON.parse(readFileSync(join(rebuildable, sample, "max-v1/registry/manifest0-amd64.config.json"), "utf8")) as { rootfs: { diff_ids: string[] } };
  assert.equal(await digestOfStream(writeTar(stream(members))), config.rootfs.diff_ids[layer]);
}

async function digestOfStream(bytes: ByteStream): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

async function* stream(members: readonly Member[]): AsyncIterable<Member> {
  yield* members;
}

function entryOf(path: string, kind: EntryKind, more: Partial<Entry> = {}): Entry {
  return { path, kind, mode: kind === "file" ? 0o644 : 0o755, uid: 0, gid: 0, mtimeNs: EPOCH_NS, sizeBytes: 0, ...more };
}

function member(path: string, kind: EntryKind, more: Partial<Entry> = {}): Member {
  return { entry: entryOf(path, kind, more), content: bytesOf() };
}

function file(path: string, text: string, more: Partial<Entry> = {}): Member {
  return { entry: entryOf(path, "file", { sizeBytes: Buffer.byteLength(text), ...more }), content: bytesOf(Buffer.from(text)) };
}

function whiteout(path: string): Member {
  return member(path, "whiteout", { mode: 0, mtimeNs: 0n });
}
