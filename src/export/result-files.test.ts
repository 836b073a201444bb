import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { openLayerStore } from "../snapshot/disk-layer-store.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { conformanceFolder } from "../testing/conformance.ts";
import { directory, file, hardLink, imageLayer, members, special, symlink, whiteout } from "../testing/layer-samples.ts";
import { ExportError } from "./error.ts";
import { archiveMembers, directoryMembers, resultMembers, withArchiveTimes, type FilesOptions, type PlatformFiles, type ResultFile } from "./result-files.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-result-"));
const layers = await openLayerStore({ directory: scratch.path, snapshotter: "copy", namespace: () => Promise.reject(new Error("nothing is mounted here")) });
const samples = conformanceFolder("samples");

after(async () => {
  await layers[Symbol.asyncDispose]();
  scratch.remove();
});

const SIZE_BYTES_MAX = 1024 * 1024;
const NOW_NS = 1_800_000_000_000_000_000n;
const OPTIONS: Omit<FilesOptions, "multiPlatform"> = { platformSplit: undefined, attestationPrefix: "", epochNs: undefined, nowNs: NOW_NS };

function result(architecture: string, chain: LayerChain, filenames: readonly string[] = []): PlatformFiles {
  return { platform: { os: "linux", architecture }, chain, attest: async () => filenames.map((filename) => ({ predicateType: "", filename, bytes: Buffer.from(filename) })) };
}

/** Kind, mode, path and link, as a tar of the result would have them. */
async function listed(results: readonly PlatformFiles[], options: Partial<FilesOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const { entry } of resultMembers(results, { multiPlatform: results.length > 1, ...OPTIONS, ...options }, signal)) {
    lines.push(`${entry.kind} ${entry.mode.toString(8)} ${entry.path}${entry.linkname === undefined ? "" : ` -> ${entry.linkname}`}`);
  }
  return lines;
}

async function timesOf(results: readonly PlatformFiles[], options: Partial<FilesOptions>): Promise<Record<string, bigint>> {
  const times: Record<string, bigint> = {};
  for await (const { entry } of resultMembers(results, { multiPlatform: results.length > 1, ...OPTIONS, ...options }, signal)) times[entry.path] = entry.mtimeNs;
  return times;
}

const chainOf = async (...tree: readonly Member[]): Promise<LayerChain> => [await layers.write(members(...tree), signal)];

test("the result is the merged tree of its layers, and holds no trace of what was removed", async () => {
  const base = await imageLayer(layers, directory("d"), file("d/gone", "x"), file("d/kept", "x"));
  const top = await layers.write(members(directory("d"), file("d/added", "x"), whiteout("d/gone"), special("pipe", "fifo")), signal);
  assert.deepEqual(await listed([result("amd64", [base, top])]), ["directory 755 d", "file 644 d/added", "file 644 d/kept", "fifo 644 pipe"]);
});

test("the second name of a file is a hard link to the first, in its folder too", async () => {
  const chain = await chainOf(file("b", "x"), hardLink("a", "b"), hardLink("c", "b"), symlink("l", "a"));
  assert.deepEqual(await listed([result("amd64", chain)]), ["file 644 a", "hardlink 644 b -> a", "hardlink 644 c -> a", "symlink 777 l -> a"]);
  assert.deepEqual((await listed([result("amd64", chain)], { platformSplit: true })).slice(0, 3), ["directory 755 linux_amd64", "file 644 linux_amd64/a", "hardlink 644 linux_amd64/b -> linux_amd64/a"]);
});

test("a directory is refused a pipe or a device before anything is written, a tar has it", async () => {
  const results = [result("amd64", await chainOf(file("a", "x"), special("z", "char", { major: 1, minor: 3 })))];
  const seen: string[] = [];
  const write = async (): Promise<void> => {
    for await (const { entry } of directoryMembers(results, { multiPlatform: false, ...OPTIONS }, signal)) seen.push(entry.path);
  };
  await assert.rejects(write(), (error) => error instanceof ExportError && error.code === "destination" && error.message.startsWith("/z: a device cannot"));
  assert.deepEqual(seen, []);
  assert.deepEqual(await listed(results), ["file 644 a", "char 644 z"]);
});

test("several platforms come each in a folder, and statements are for their owner to read only", async () => {
  const chain = await chainOf(file("f", "x"));
  assert.deepEqual(await listed([result("amd64", chain, ["provenance.json"]), result("arm64", chain)]), [
    "directory 755 linux_amd64", "file 644 linux_amd64/f", "file 600 linux_amd64/provenance.json", "directory 755 linux_arm64", "file 644 linux_arm64/f",
  ]);
});

test("statements stand in the order of their names, and take the place of a file of the same name", async () => {
  const chain = await chainOf(directory("a"), file("a/z", "x"), file("p.json", "file of the result"), file("z", "x"));
  const results = [result("amd64", chain, ["sbom.json", "p.json", "a.json"])];
  assert.deepEqual(await listed(results), ["directory 755 a", "file 644 a/z", "file 600 a.json", "file 600 p.json", "file 600 sbom.json", "file 644 z"]);
  for await (const { entry, content } of resultMembers(results, { multiPlatform: false, ...OPTIONS }, signal)) {
    if (entry.path === "p.json") assert.equal((await collectBytes(content, SIZE_BYTES_MAX)).toString(), "p.json");
  }
});

test("attestation-prefix and platform-split decide the names of statements", async () => {
  const results = [result("amd64", await chainOf(file("a", "x")), ["provenance.json"]), result("arm64", await chainOf(file("b", "x")), ["provenance.json", "bare"])];
  assert.deepEqual(await listed(results, { platformSplit: false, attestationPrefix: "my-" }), [
    "file 644 a", "file 600 my-provenance.linux_amd64.json", "file 644 b", "file 600 my-bare.linux_arm64", "file 600 my-provenance.linux_arm64.json",
  ]);
  assert.deepEqual(await listed(results.slice(0, 1), { attestationPrefix: "my-" }), ["file 644 a", "file 600 my-provenance.json"]);
});

test("an archive has folders where there are several platforms, whatever is asked for, in the order of their names", async () => {
  const [one, two] = [result("arm64", await chainOf(file("a", "x")), ["p.json"]), result("amd64", await chainOf(file("a", "y")), ["p.json"])] as const;
  const names = async (results: readonly PlatformFiles[], platformSplit: boolean | undefined): Promise<readonly string[]> =>
    (await Array.fromAsync(archiveMembers(results, { multiPlatform: results.length > 1, ...OPTIONS, platformSplit }, signal))).map(({ entry }) => entry.path);
  assert.deepEqual(await names([one, two], undefined), ["linux_amd64", "linux_amd64/a", "linux_amd64/p.json", "linux_arm64", "linux_arm64/a", "linux_arm64/p.json"]);
  assert.deepEqual(await names([one, two], false), ["linux_amd64", "linux_amd64/a", "linux_amd64/p.linux_amd64.json", "linux_arm64", "linux_arm64/a", "linux_arm64/p.linux_arm64.json"]);
  assert.deepEqual(await names([one], true), ["a", "p.json"]);
  assert.deepEqual((await listed([one], { multiPlatform: true })).map((line) => line.split(" ")[2]), ["linux_arm64", "linux_arm64/a", "linux_arm64/p.json"]);
});

test("without folders, two platforms may share directories, but no file", async () => {
  const one = await chainOf(directory("d"), file("d/one", "x"));
  const two = await chainOf(directory("d"), file("d/two", "x"));
  assert.equal((await listed([result("amd64", one), result("arm64", two)], { platformSplit: false })).length, 4);
  await assert.rejects(listed([result("amd64", one), result("arm64", one)], { platformSplit: false }), (error) =>
    error instanceof ExportError && error.code === "usage" && error.message.startsWith("cannot overwrite d/one from linux/amd64 with linux/arm64 when split option is disabled"));
});

test("statements are about every regular file of the result, under each of its names", async () => {
  const seen: ResultFile[] = [];
  const chain = await chainOf(directory("d"), file("d/f", "content"), hardLink("h", "d/f"), symlink("l", "d/f"));
  const attest: PlatformFiles["attest"] = async (files) => {
    seen.push(...files);
    return [];
  };
  await listed([{ ...result("amd64", chain), attest }]);
  assert.deepEqual(seen, ["d/f", "h"].map((path) => ({ path, digest: digestOf(Buffer.from("content")) })));
});

test("SOURCE_DATE_EPOCH is the time of everything; without it, files have their own and folders none", async () => {
  const chain = await chainOf(file("old", "x", { mtimeNs: 5n }), file("new", "x", { mtimeNs: NOW_NS - 1n }));
  const results = [result("amd64", chain, ["provenance.json"])];
  assert.deepEqual(Object.values(await timesOf(results, { platformSplit: true, epochNs: 7_000_000_000n })), [7_000_000_000n, 7_000_000_000n, 7_000_000_000n, 7_000_000_000n]);
  assert.deepEqual(await timesOf(results, { platformSplit: true }), { linux_amd64: 0n, "linux_amd64/new": NOW_NS - 1n, "linux_amd64/old": 5n, "linux_amd64/provenance.json": NOW_NS });
});

test("an archive has whole seconds, the nearest ones", async () => {
  const times: bigint[] = [];
  const odd = [1_499_999_999n, 1_500_000_000n, -500_000_000n, -500_000_001n].map((mtimeNs, i) => file(`f${i}`, "x", { mtimeNs }));
  for await (const { entry } of readTar(writeTar(withArchiveTimes(members(...odd))))) times.push(entry.mtimeNs);
  assert.deepEqual(times, [1_000_000_000n, 2_000_000_000n, 0n, -1_000_000_000n]);
});

test("BuildKit's tar output comes out again, byte for byte", { skip: samples.skip }, async () => {
  const expected = readFileSync(join(samples.path, "22-tar/out.tar"));
  const statement = execFileSync("tar", ["-xOf", join(samples.path, "22-tar/out.tar"), "provenance.json"]);
  const at = { mtimeNs: 1_795_345_546_000_000_000n };
  const chain = await chainOf(directory("app", at), file("app/a.txt", "hello\n", at), file("app/b.txt", "world\n", at));
  const results: PlatformFiles[] = [{ ...result("amd64", chain), attest: async () => [{ predicateType: "", filename: "provenance.json", bytes: statement }] }];
  const tar = await collectBytes(writeTar(archiveMembers(results, { multiPlatform: false, ...OPTIONS, nowNs: 1_795_345_730_000_000_000n }, signal)), SIZE_BYTES_MAX);
  // Compared as entries first: they show what differs.
  const entriesOf = async (bytes: Buffer): Promise<unknown[]> => await Array.fromAsync(readTar(bytesOf(bytes)), ({ entry }) => entry);
  assert.deepEqual(await entriesOf(tar), await entriesOf(expected));
  assert.ok(tar.equals(expected));
});
