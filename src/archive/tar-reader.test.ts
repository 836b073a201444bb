import assert from "node:assert/strict";
import { test } from "node:test";
import { SPARSE_FORMS, sparseMember, type SparseTarForm } from "../testing/sparse-tar.ts";
import { rawExtended as extended, rawHeader as header, rawTar } from "../testing/raw-tar.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { ArchiveError } from "./archive-error.ts";
import type { Entry } from "./entry.ts";
import { checksumOf } from "./tar-header.ts";
import { ARCHIVE_LIMITS, type ExpansionLimit } from "./limits.ts";
import { formatPaxRecord } from "./pax.ts";
import { readTar } from "./tar-reader.ts";
import { TAR_END, writeTar } from "./tar-writer.ts";

interface ReadMember {
  readonly entry: Entry;
  readonly content: string;
}

test("reads PAX records over the header's own fields, values as bytes", async () => {
  const capability = Buffer.of(1, 0, 0, 2, 0x80, 0xff, 0x0a, 0x3d, 0);
  const records = Buffer.concat([
    formatPaxRecord("path", Buffer.from("a/ünï")),
    formatPaxRecord("mtime", Buffer.from("1700000000.123456789123")),
    formatPaxRecord("uid", Buffer.from("4000000")),
    formatPaxRecord("gid", Buffer.from("5000000")),
    formatPaxRecord("size", Buffer.from("3")),
    formatPaxRecord("SCHILY.xattr.security.capability", capability),
  ]);
  const [member] = await read(header({ name: "x", typeflag: "x", size: records.length }), records, header({ name: "cut", size: 3 }), Buffer.from("abc"));
  assert.deepEqual(member?.entry, {
    path: "a/ünï", kind: "file", mode: 0o644, uid: 4_000_000, gid: 5_000_000, mtimeNs: 1_700_000_000_123_456_789n, sizeBytes: 3,
    xattrs: new Map([["security.capability", capability]]),
  });
  assert.equal(member?.content, "abc");
});

test("of what headers say before a member, that counts which counts in Go", async () => {
  const uid = (value: string): Buffer => formatPaxRecord("uid", Buffer.from(value));
  const records = (bytes: Buffer, typeflag = "x"): readonly Buffer[] => [header({ name: typeflag, typeflag, size: bytes.length }), bytes];
  const long = [header({ name: "././@LongLink", typeflag: "L", size: 5 }), Buffer.from("long\0")];
  const path = formatPaxRecord("path", Buffer.from("short"));
  const members = await read(
    ...records(uid("7"), "g"), header({ name: "for-all" }), ...records(uid("8")), header({ name: "own" }),
    ...records(uid("9")), ...records(path), header({ name: "the-last" }), ...records(uid("9")), ...records(uid("7"), "g"), header({ name: "after-those-for-all" }),
    ...records(uid("")), header({ name: "empty" }), ...records(path), ...long, header({ name: "GNU's" }), ...long, ...records(path), header({ name: "GNU's" }),
  );
  assert.deepEqual(members.map(({ entry }) => [entry.path, entry.uid]), [["for-all", 0], ["own", 8], ["short", 0], ["after-those-for-all", 0], ["empty", 0], ["long", 0], ["long", 0]]);
});

test("an archive ends where Go ends it", async () => {
  const names = async (...chunks: readonly Buffer[]): Promise<readonly string[]> => (await readChunks(...chunks)).map(({ entry }) => entry.path);
  const [a, b] = [header({ name: "a" }), header({ name: "b" })] as const;
  assert.deepEqual(await names(a, Buffer.alloc(512)), ["a"]);
  assert.deepEqual(await names(a, Buffer.alloc(1024), b), ["a"]);
  assert.deepEqual(await names(a, header({ name: "x", typeflag: "x" })), ["a"]);
  assert.deepEqual(await names(header({ name: "c", size: 3 }), Buffer.from("abc")), ["c"]);
});

test("reads GNU long names and links, and binary numbers", async () => {
  const name = `${"d/".repeat(80)}file`;
  const [member] = await read(
    header({ name: "././@LongLink", typeflag: "L", size: name.length + 1 }), Buffer.from(`${name}\0`),
    header({ name: "././@LongLink", typeflag: "K", size: 201 }), Buffer.from(`${"t".repeat(200)}\0`),
    header({ name: "cut", typeflag: "2", linkname: "cut", magic: "ustar  \0", patch: (block) => {
      Buffer.from("80000000003d0900", "hex").copy(block, 108);
      Buffer.from("ffffffffffffffffffffffff", "hex").copy(block, 136);
      block.write("not a prefix", 345);
    } }),
  );
  assert.equal(member?.entry.path, name);
  assert.equal(member?.entry.linkname, "t".repeat(200));
  assert.equal(member?.entry.uid, 4_000_000);
  assert.equal(member?.entry.mtimeNs, -1_000_000_000n);
});

test("reads whiteouts and opaque marks as what they hide, and leaves AUFS notes out", async () => {
  const names = ["etc/.wh.passwd", ".wh.top", "etc/.wh..wh..opq", ".wh..wh..opq", ".wh..wh.plnk/1.2", ".wh..wh.aufs"];
  const members = await read(...names.map((name) => header({ name })));
  assert.deepEqual(members.map(({ entry }) => [entry.kind, entry.path]), [["whiteout", "etc/passwd"], ["whiteout", "top"], ["opaque", "etc"], ["opaque", ""]]);
});

test("in an archive of files the marks of layers are names as any", async () => {
  const names = ["etc/.wh.passwd", "etc/.wh..wh..opq", ".wh..wh.plnk/1.2"];
  const members = await Array.fromAsync(readTar(bytesOf(rawTar(...names.map((name) => header({ name })))), "files"));
  assert.deepEqual(members.map(({ entry }) => [entry.kind, entry.path]), names.map((name) => ["file", name]));
});

test("cleans names, and knows the old directory mark", async () => {
  const members = await read(header({ name: "./" , typeflag: "5" }), header({ name: "./a//b/../c/" , typeflag: "5" }), header({ name: "/abs" }), header({ name: "old/", typeflag: "\0", magic: "" }));
  assert.deepEqual(members.map(({ entry }) => [entry.kind, entry.path]), [["directory", ""], ["directory", "a/c"], ["file", "abs"], ["directory", "old"]]);
});

test("nothing but a directory is the root", async () => {
  const parts = [header({ name: "./" }), header({ name: "", typeflag: "Z" }), header({ name: "a" })];
  assert.deepEqual((await read(...parts)).map(({ entry }) => entry.path), ["a"]);
  assert.deepEqual((await Array.fromAsync(readTar(bytesOf(rawTar(...parts)), "files"))).map(({ entry }) => entry.path), ["a"]);
  await assert.rejects(Array.fromAsync(readTar(bytesOf(rawTar(header({ name: "/" }))), "files")), { code: "unsafe-path" });
});

test("reads devices, fifos and hard links", async () => {
  const [device, fifo, link] = await read(
    header({ name: "dev/null", typeflag: "3", patch: (block) => void (block.write("0000001\0", 329), block.write("0000003\0", 337)) }),
    header({ name: "pipe", typeflag: "6" }), header({ name: "b", typeflag: "1", linkname: "./a", size: 5 }),
  );
  assert.deepEqual(device?.entry.device, { major: 1, minor: 3 });
  assert.equal(fifo?.entry.kind, "fifo");
  assert.deepEqual([link?.entry.kind, link?.entry.linkname, link?.entry.sizeBytes], ["hardlink", "a", 0]);
});

const REFUSED: ReadonlyArray<readonly [what: string, code: string, parts: readonly Buffer[]]> = [
  ["a name that leads out", "unsafe-path", [header({ name: "a/../../etc/passwd" })]],
  ["a hard link that leads out", "unsafe-path", [header({ name: "a", typeflag: "1", linkname: "../etc/passwd" })]],
  ["a whiteout of the parent", "unsafe-path", [header({ name: "a/.wh..." })]],
  ["a whiteout of nothing", "unsafe-path", [header({ name: "a/.wh." })]],
  ["a sparse file of GNU in an archive that is not GNU's", "corrupt", [header({ name: "s", typeflag: "S" })]],
  ["a sparse file that ends within its map", "truncated", extended(Buffer.concat([formatPaxRecord("GNU.sparse.major", Buffer.from("1")), formatPaxRecord("GNU.sparse.minor", Buffer.from("0"))]))],
  ["a sparse file that does not say how many pieces there are", "corrupt", extended(formatPaxRecord("GNU.sparse.map", Buffer.from("0,1")))],
  ["a directory that is sparse", "corrupt", [...extended(Buffer.concat([formatPaxRecord("GNU.sparse.map", Buffer.from("0,0")), formatPaxRecord("GNU.sparse.numblocks", Buffer.from("1"))])).slice(0, 2), header({ name: "d", typeflag: "5" })]],
  ["a sparse file whose pieces are half said", "corrupt", extended(formatPaxRecord("GNU.sparse.numbytes", Buffer.from("1")))],
  ["a file of the kind that once meant contiguous", "unsupported", [header({ name: "c", typeflag: "7" })]],
  ["a number with a space in it", "corrupt", [header({ name: "a", patch: (block) => void block.write("1 2", 124) })]],
  ["a number that is none, though nobody needs it", "corrupt", [header({ name: "d", typeflag: "5", patch: (block) => void block.write("x", 329) })]],
  ["a time that is none, though nobody needs it", "corrupt", extended(formatPaxRecord("atime", Buffer.from("noon")))],
  ["a block of zeros within", "corrupt", [header({ name: "a" }), Buffer.alloc(512), header({ name: "b" })]],
  ["an attribute without a name", "unsupported", extended(formatPaxRecord("SCHILY.xattr.", Buffer.from("v")))],
  ["a kind nobody knows", "unsupported", [header({ name: "v", typeflag: "V" })]],
  ["a checksum that does not match", "corrupt", [header({ name: "a", patch: (block) => block.fill(0x41, 512 - 4) }).fill(0x42, 0, 4)]],
  ["a number that is none", "corrupt", [header({ name: "a", patch: (block) => void block.write("12x", 124) })]],
  ["a negative size", "corrupt", [header({ name: "a", patch: (block) => Buffer.from("ffffffffffffffffffffff00", "hex").copy(block, 124) })]],
  ["a size beyond reason", "corrupt", [header({ name: "a", patch: (block) => Buffer.from("80ffffffffffffffffffffff", "hex").copy(block, 124) })]],
  ["a record longer than its header", "corrupt", extended(Buffer.from("99 path=a\n"))],
  ["a record without a value", "corrupt", extended(Buffer.from("7 path\n"))],
  ["a record of length nothing", "corrupt", extended(Buffer.from("0 a=b\n"))],
  ["a zero byte in a name", "corrupt", extended(formatPaxRecord("path", Buffer.from("a\0b")))],
  ["an extended header without end", "too-large", [header({ name: "x", typeflag: "x", size: 1024 * 1024 + 1 })]],
  ["headers without end", "corrupt", Array.from({ length: 65 }, () => header({ name: "x", typeflag: "x" }))],
  ["content cut off", "truncated", [header({ name: "a", size: 600 }), Buffer.alloc(512, 1)]],
  ["a size of which there is nothing", "truncated", [header({ name: "a", size: 2 ** 40 / 256 })]],
  ["an owner that is the word for none", "unsupported", extended(formatPaxRecord("uid", Buffer.from("4294967295")))],
  ["a negative owner", "unsupported", extended(formatPaxRecord("gid", Buffer.from("-1")))],
  ["a part of a name that no system takes", "too-large", extended(formatPaxRecord("path", Buffer.from("a/".concat("n".repeat(256)))))],
  ["a name that no system takes", "too-large", extended(formatPaxRecord("path", Buffer.from("ab/".repeat(1400))))],
  ["a name of too many parts", "too-large", extended(formatPaxRecord("path", Buffer.from("a/".repeat(501))))],
  ["a target that no system takes", "too-large", extended(formatPaxRecord("linkpath", Buffer.from("ab/".repeat(1400))), { name: "l", typeflag: "2" })],
];

for (const [what, code, parts] of REFUSED) {
  test(`refuses ${what}`, async () => {
    await assert.rejects(async () => {
      for await (const member of readTar(bytesOf(rawTar(...parts)))) await collectBytes(member.content, 1e6);
    }, (error) => error instanceof ArchiveError && error.code === code);
  });
}

test("refuses a header cut off", async () => {
  await assert.rejects(readChunks(header({ name: "a" }).subarray(0, 100)), (error) => error instanceof ArchiveError && error.code === "truncated");
});

test("refuses more entries than the limit, without waiting for the rest", async () => {
  const some = Buffer.concat(Array.from({ length: 100 }, () => header({ name: "a" })));
  let seen = 0;
  const endless = async function* (): ByteStream {
    for (;;) yield some;
  };
  await assert.rejects(async () => {
    for await (const _member of readTar(endless(), "layer", { ...ARCHIVE_LIMITS, entriesMax: 12_345 })) seen += 1;
  }, { code: "too-large", message: "more than 12345 entries" });
  assert.equal(seen, 12_345);
});

test("refuses extended headers that would take all memory", async () => {
  const limits = { ...ARCHIVE_LIMITS, extendedBytesMax: 2000 };
  const one = rawTar(...extended(formatPaxRecord("SCHILY.xattr.user.a", Buffer.alloc(400))));
  const readAll = async (times: number): Promise<number> => (await Array.fromAsync(readTar(bytesOf(...Array<Buffer>(times).fill(one)), "layer", limits))).length;
  assert.equal(await readAll(4), 4);
  await assert.rejects(readAll(5), { code: "too-large" });
});

test("passes over content that nobody read, and reads on behind the end", async () => {
  let reachedEnd = false;
  const source = async function* (): ByteStream {
    yield Buffer.concat([header({ name: "a", size: 2000 }), Buffer.alloc(2048, 1), header({ name: "b", size: 1 }), Buffer.from("b").subarray(0, 1), Buffer.alloc(511), TAR_END]);
    yield Buffer.alloc(9 * 1024);
    reachedEnd = true;
  };
  const names: string[] = [];
  for await (const { entry, content } of readTar(source())) {
    names.push(entry.path);
    for await (const _piece of content) break;
  }
  assert.deepEqual(names, ["a", "b"]);
  assert.ok(reachedEnd);
});

test("tells where content lies, and lets the source clean up when reading stops early", async () => {
  let cleaned = false;
  const source = async function* (): ByteStream {
    try {
      yield Buffer.concat([header({ name: "a", size: 3 }), Buffer.from("abc"), Buffer.alloc(509)]);
      yield header({ name: "b" });
    } finally {
      cleaned = true;
    }
  };
  for await (const member of readTar(source())) {
    assert.equal(member.contentOffsetBytes, 512);
    break;
  }
  assert.ok(cleaned);
});

test("however the bytes are cut, the members are the same", async () => {
  const whole = await collectBytes(writeTar(sampleMembers()), 1e6);
  const expected = await readChunks(whole);
  for (const size of [1, 7, 511, 512, 513, 4096]) {
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) => whole.subarray(at * size, (at + 1) * size));
    assert.deepEqual(await readChunks(...pieces), expected);
  }
});

test("sparse files are as long as they were, in every form that GNU tar has", async () => {
  for (const form of SPARSE_FORMS) {
    for (const pieces of [[[100, 0]], [[0, 3]], [[600, 5]], [[0, 1], [1, 2], [100, 700], [5000, 0]], Array.from({ length: 60 }, (_, i) => [i * 70_000, 2] as const)] as ReadonlyArray<ReadonlyArray<readonly [number, number]>>) {
      const data = Buffer.from(pieces.flatMap(([, size], i) => Array<number>(size).fill(65 + (i % 26))));
      const sizeBytes = Math.max(...pieces.map(([at, size]) => at + size), 0) + (pieces.length % 2) * 100_000;
      const expected = Buffer.alloc(sizeBytes);
      for (const [i, [at, size]] of pieces.entries()) expected.fill(65 + (i % 26), at, at + size);
      const member = sparseMember(form, { name: "s", sizeBytes, pieces: pieces.map(([offsetBytes, size]) => ({ offsetBytes, sizeBytes: size })), data });
      const [file, next] = await read(...member, header({ name: "next" }));
      assert.deepEqual([file?.entry.path, file?.entry.kind, file?.entry.sizeBytes, next?.entry.path], ["s", "file", sizeBytes, "next"], `${form}: ${pieces.length} pieces`);
      assert.equal(file?.content, expected.toString("latin1"));
    }
  }
});

test("refuses what a sparse file says of itself and is not so", async () => {
  const good = { name: "s", sizeBytes: 100, pieces: [{ offsetBytes: 10, sizeBytes: 3 }, { offsetBytes: 20, sizeBytes: 3 }], data: Buffer.from("aaabbb") };
  const bad = [
    { ...good, sizeBytes: 22 },
    { ...good, pieces: good.pieces.toReversed() },
    { ...good, pieces: [{ offsetBytes: 10, sizeBytes: 20 }, { offsetBytes: 20, sizeBytes: 3 }] },
    { ...good, data: Buffer.from("aaabb") },
    { ...good, data: Buffer.from("aaabbbc") },
  ];
  for (const form of SPARSE_FORMS) {
    assert.equal((await read(...sparseMember(form, good))).length, 1);
    for (const [i, file] of bad.entries()) await assert.rejects(read(...sparseMember(form, file)), { code: "corrupt" }, `${form} ${i}`);
  }
});

test("zeros that nobody wrote count as what compressed data grows to does", async () => {
  const limits = { ...ARCHIVE_LIMITS, expansion: { freeBytes: 10_000, ratioMax: 10 } };
  const holes = (form: SparseTarForm, sizeBytes: number): readonly Buffer[] => sparseMember(form, { name: "s", sizeBytes, pieces: [{ offsetBytes: sizeBytes, sizeBytes: 0 }], data: Buffer.alloc(0) });
  const readAll = async (...parts: readonly Buffer[]): Promise<number> => (await Array.fromAsync(readTar(bytesOf(rawTar(...parts)), "layer", limits))).length;
  for (const form of SPARSE_FORMS) {
    assert.equal(await readAll(...holes(form, 9000)), 1);
    await assert.rejects(readAll(...holes(form, 9000), ...holes(form, 60_000)), { code: "too-large" }, form);
    assert.equal(await readAll(header({ name: "a", size: 20_000 }), Buffer.alloc(20_000), ...holes(form, 100_000)), 2, "of a large archive more");
    await assert.rejects(readAll(...holes(form, form === "gnu" ? 0o77777777777 : 2 ** 60)), { code: "too-large" }, form);
  }
});

test("refuses a map of a sparse file that would take all memory", async () => {
  const pieces = Array.from({ length: 3000 }, (_, i) => ({ offsetBytes: i * 2, sizeBytes: 1 }));
  for (const form of ["gnu", "1.0"] as const) {
    const parts = sparseMember(form, { name: "s", sizeBytes: 6000, pieces, data: Buffer.alloc(3000) });
    const readAll = async (extendedHeaderBytesMax: number): Promise<number> => (await Array.fromAsync(readTar(bytesOf(rawTar(...parts)), "layer", { ...ARCHIVE_LIMITS, extendedHeaderBytesMax }))).length;
    assert.equal(await readAll(1024 * 1024), 1);
    await assert.rejects(readAll(8192), { code: "too-large" });
  }
});

test("damaged archives end in an ArchiveError or in members, never otherwise", async () => {
  const sparse = SPARSE_FORMS.map((form) => sparseMember(form, { name: form, sizeBytes: 9000, pieces: Array.from({ length: 6 }, (_, i) => ({ offsetBytes: i * 300, sizeBytes: 2 })), data: Buffer.alloc(12, 1) }));
  const whole = Buffer.concat([rawTar(...sparse.flat()), await collectBytes(writeTar(sampleMembers()), 1e6)]);
  let seed = 20_261_123;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  let refused = 0;
  for (let round = 0; round < 3000; round += 1) {
    const damaged = Buffer.from(whole.subarray(0, round % 4 === 0 ? random(whole.length) : whole.length));
    for (let hits = 0; hits < 1 + random(3); hits += 1) if (damaged.length > 0) damaged[random(damaged.length)] = random(256);
    // A right checksum lets the damage through to what lies behind that check.
    for (let at = 0; at + 512 <= damaged.length; at += 512) {
      if (damaged.toString("latin1", at + 257, at + 262) === "ustar") damaged.write(`${checksumOf(damaged.subarray(at, at + 512)).toString(8).padStart(6, "0")}\0 `, at + 148);
    }
    try {
      for (const { entry } of await readWithin({ freeBytes: 50_000, ratioMax: 2 }, damaged)) assert.ok(!entry.path.startsWith("/") && !`/${entry.path}/`.includes("/../"));
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      refused += 1;
    }
  }
  assert.ok(refused > 100, `only ${refused} refused`);
});

/** Reads an archive of these parts, each filled up to whole blocks. */
async function read(...parts: readonly Buffer[]): Promise<ReadMember[]> {
  return await readChunks(rawTar(...parts));
}

async function readChunks(...chunks: readonly Buffer[]): Promise<ReadMember[]> {
  return await readWithin({ freeBytes: 5_000_000, ratioMax: 200 }, ...chunks);
}

async function readWithin(expansion: ExpansionLimit, ...chunks: readonly Buffer[]): Promise<ReadMember[]> {
  const members = [];
  for await (const { entry, content } of readTar(bytesOf(...chunks), "layer", { ...ARCHIVE_LIMITS, expansion })) {
    members.push({ entry, content: (await collectBytes(content, 1e7)).toString("latin1") });
  }
  return members;
}

async function* sampleMembers(): AsyncIterable<{ entry: Entry; content: ByteStream }> {
  const base = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 1_700_000_000_000_000_001n, sizeBytes: 0 };
  yield { entry: { ...base, path: "dir", kind: "directory" }, content: bytesOf() };
  yield { entry: { ...base, path: `dir/${"n".repeat(120)}`, kind: "file", sizeBytes: 700 }, content: bytesOf(Buffer.alloc(700, 7)) };
  yield { entry: { ...base, path: "dir/cap", kind: "file", sizeBytes: 1, xattrs: new Map([["security.capability", Buffer.of(1, 0x80)]]) }, content: bytesOf(Buffer.of(9)) };
  yield { entry: { ...base, path: "dir/link", kind: "symlink", linkname: "../x" }, content: bytesOf() };
  yield { entry: { ...base, path: "dir/hard", kind: "hardlink", linkname: "dir/cap" }, content: bytesOf() };
  yield { entry: { ...base, path: "dir/gone", kind: "whiteout", mode: 0 }, content: bytesOf() };
  yield { entry: { ...base, path: "dev", kind: "char", device: { major: 1, minor: 3 } }, content: bytesOf() };
}
