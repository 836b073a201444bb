import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { directory, file, hardLink, members, opaque, special, symlink, whiteout } from "../testing/layer-samples.ts";
import { decompress } from "./decompress.ts";
import { estargz, TOC_NAME, type EstargzFacts } from "./estargz.ts";
import type { Member } from "./member.ts";
import { readTar } from "./tar-reader.ts";
import { TAR_END, writeTar } from "./tar-writer.ts";

const MIB = 1024 * 1024;
const BYTES_MAX = 64 * MIB;
const FOOTER_BYTES = 51;

interface TocEntry {
  readonly name: string;
  readonly type: string;
  readonly size?: number;
  readonly offset?: number;
  readonly chunkOffset?: number;
  readonly chunkSize?: number;
  readonly chunkDigest?: string;
  readonly digest?: string;
  readonly [key: string]: unknown;
}

/** More than two chunks, and not a multiple of one. */
const big = Buffer.alloc(9 * MIB + 17, (Array.from({ length: 4001 }, (_, at) => String.fromCharCode(32 + (at % 90))).join("")));

function sample(): readonly Member[] {
  return [
    directory("d"), file("d/small", "small"), file("d/empty", ""), { ...file("d/big", ""), entry: { ...file("d/big", "").entry, sizeBytes: big.length }, content: bytesOf(big) },
    symlink("d/link", "small"), hardLink("d/hard", "d/small"), special("null", "char", { major: 1, minor: 3 }), whiteout("d/gone"), opaque("e"),
    file("cap", "x", { uid: 7, mode: 0o4755, xattrs: new Map([["security.capability", Buffer.of(1, 0xff)]]) }),
  ];
}

async function written(all: readonly Member[], level = 5): Promise<{ readonly blob: Buffer; readonly facts: EstargzFacts }> {
  const { promise, resolve } = Promise.withResolvers<EstargzFacts>();
  const blob = await collectBytes(estargz(members(...all), level, resolve), BYTES_MAX);
  return { blob, facts: await promise };
}

/** The one gzip member that begins there: what a client fetches and decompresses alone. */
function memberAt(blob: Buffer, offset: number): Buffer {
  const magic = Buffer.of(0x1f, 0x8b, 8);
  // These bytes may also stand within compressed data: then what ends there is no whole member.
  for (let end = blob.indexOf(magic, offset + 1); end > 0; end = blob.indexOf(magic, end + 1)) {
    const member = wholeMember(blob.subarray(offset, end));
    if (member !== undefined) return member;
  }
  throw new Error(`no member at ${offset}`);
}

function wholeMember(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes);
  } catch {
    return undefined;
  }
}

/** As the format has it: the footer names the table, the table names the rest. */
async function readToc(blob: Buffer): Promise<{ readonly json: Buffer; readonly entries: readonly TocEntry[]; readonly offset: number }> {
  const footer = blob.subarray(-FOOTER_BYTES);
  assert.deepEqual([...footer.subarray(0, 4)], [0x1f, 0x8b, 8, 4]);
  assert.equal(footer.readUInt16LE(10), 26);
  assert.equal(footer.toString("latin1", 12, 14), "SG");
  assert.equal(footer.readUInt16LE(14), 22);
  assert.match(footer.toString("latin1", 16, 38), /^[0-9a-f]{16}STARGZ$/);
  assert.equal(gunzipSync(footer).length, 0);
  const offset = Number.parseInt(footer.toString("latin1", 16, 32), 16);
  const tar = gunzipSync(blob.subarray(offset, -FOOTER_BYTES));
  const found = [];
  for await (const { entry, content } of readTar(bytesOf(tar))) found.push({ path: entry.path, json: await collectBytes(content, BYTES_MAX) });
  assert.deepEqual(found.map(({ path }) => path), [TOC_NAME]);
  const json = found[0]?.json ?? Buffer.alloc(0);
  const { version, entries } = JSON.parse(json.toString("utf8")) as { version: number; entries: TocEntry[] | null };
  assert.equal(version, 1);
  return { json, entries: entries ?? [], offset };
}

test("any gunzip and tar reads it as the layer, whose archive stands there as it is, with the table behind its end", async () => {
  const { blob, facts } = await written(sample());
  const tar = await collectBytes(decompress(bytesOf(blob)), BYTES_MAX);
  assert.equal(digestOf(tar), facts.uncompressed);
  assert.equal(tar.length, facts.uncompressedBytes);
  assert.ok(tar.subarray(-TAR_END.byteLength).every((byte) => byte === 0));
  const layer = await collectBytes(writeTar(members(...sample())), BYTES_MAX);
  assert.ok(tar.subarray(0, layer.length).equals(layer));
  const names = spawnSync("tar", ["-tzf", "-"], { input: blob, encoding: "utf8" });
  assert.equal(names.status, 0, names.stderr);
  assert.deepEqual(names.stdout.trim().split("\n"), ["d/", "d/small", "d/empty", "d/big", "d/link", "d/hard", "null", "d/.wh.gone", "e/.wh..wh..opq", "cap"]);
  const contents = spawnSync("tar", ["-xzOf", "-", "d/big"], { input: blob, maxBuffer: BYTES_MAX });
  assert.ok(contents.stdout.equals(big));
});

test("the table says of each file what the archive says, and where each piece can be had alone", async () => {
  const { blob, facts } = await written(sample());
  const { json, entries, offset } = await readToc(blob);
  assert.equal(digestOf(json), facts.toc);
  assert.deepEqual(entries.map(({ name, type }) => `${type} ${name}`), [
    "dir d/", "reg d/small", "reg d/empty", "reg d/big", "chunk d/big", "chunk d/big", "symlink d/link", "hardlink d/hard", "char null", "reg d/.wh.gone", "reg e/.wh..wh..opq", "reg cap",
  ]);
  const of = (name: string): TocEntry => entries.find((entry) => entry.name === name) ?? assert.fail(name);
  assert.deepEqual([of("d/link")["linkName"], of("d/hard")["linkName"], of("null")["devMajor"], of("null")["devMinor"]], ["small", "d/small", 1, 3]);
  assert.deepEqual([of("cap")["mode"], of("cap")["uid"], of("cap")["gid"], of("cap")["xattrs"], of("cap")["modtime"]], [0o4755, 7, undefined, { "security.capability": "Af8=" }, "2017-07-14T02:40:00Z"]);
  assert.deepEqual([of("d/empty").offset, of("d/empty").size, of("d/big").size, of("d/big").digest], [undefined, undefined, big.length, digestOf(big)]);
  assert.deepEqual(entries.filter(({ name }) => name === "d/big").map(({ chunkOffset, chunkSize }) => [chunkOffset, chunkSize]), [[undefined, 4 * MIB], [4 * MIB, 4 * MIB], [8 * MIB, undefined]]);
  const contents = new Map([["d/small", Buffer.from("small")], ["d/big", big], ["cap", Buffer.from("x")]]);
  for (const { name, offset: at, chunkOffset = 0, chunkSize, chunkDigest } of entries.filter((entry) => entry.offset !== undefined)) {
    const expected = contents.get(name)?.subarray(chunkOffset, chunkSize === undefined ? undefined : chunkOffset + chunkSize) ?? Buffer.alloc(0);
    const piece = memberAt(blob, at ?? 0);
    assert.ok(piece.equals(expected), name);
    assert.equal(digestOf(piece), chunkDigest);
    assert.ok((at ?? 0) < offset);
  }
});

test("the table has the bytes that BuildKit gives it", async () => {
  const { blob } = await written([file("a<b", "", { mtimeNs: 1_500_000_000n }), file("c", "c", { mtimeNs: -1n, uid: 5, xattrs: new Map([["user.z", Buffer.of(1)], ["user.a", Buffer.of(2)]]) })]);
  const { json } = await readToc(blob);
  assert.equal(json.toString("utf8").replace(/"offset": \d+/, '"offset": N'), `{
\t"version": 1,
\t"entries": [
\t\t{
\t\t\t"name": "a\\u003cb",
\t\t\t"type": "reg",
\t\t\t"modtime": "1970-01-01T00:00:02Z",
\t\t\t"mode": 420,
\t\t\t"digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
\t\t},
\t\t{
\t\t\t"name": "c",
\t\t\t"type": "reg",
\t\t\t"size": 1,
\t\t\t"modtime": "1970-01-01T00:00:00Z",
\t\t\t"mode": 420,
\t\t\t"uid": 5,
\t\t\t"offset": N,
\t\t\t"xattrs": {
\t\t\t\t"user.a": "Ag==",
\t\t\t\t"user.z": "AQ=="
\t\t\t},
\t\t\t"digest": "sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6",
\t\t\t"chunkDigest": "sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6"
\t\t}
\t]
}`);
});

test("the same layer gives the same bytes, and a layer that has been in this form before loses nothing and gains nothing", async () => {
  const first = await written(sample());
  assert.ok((await written(sample())).blob.equals(first.blob));
  const tar = await collectBytes(decompress(bytesOf(first.blob)), BYTES_MAX);
  const again = Promise.withResolvers<EstargzFacts>();
  const blob = await collectBytes(estargz(readTar(bytesOf(tar)), 5, again.resolve), BYTES_MAX);
  assert.ok(blob.equals(first.blob));
  assert.deepEqual(await again.promise, first.facts);
  assert.deepEqual((await readToc((await written([])).blob)).entries.map(({ name }) => name), []);
});
