import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOfTexts } from "../testing/scan-trees.ts";
import type { Cataloger } from "./cataloger.ts";
import { CATALOGERS } from "./catalogers.ts";
import { FILE_BYTES_MAX, parseFiles } from "./read-file.ts";
import { scanTree } from "./scan.ts";

const never = new AbortController().signal;

test("tells packages with the name of the cataloger that found them, in one order whoever was asked first", async () => {
  const tree = treeOfTexts({ "a.list": "zlib\nattr", "b.names": "bzip2" });
  const catalogers = [namesIn("names", ".names"), namesIn("list", ".list")];
  const found = await scanTree(tree, catalogers, never);
  assert.deepEqual(found.packages.map(({ name, cataloger }) => [name, cataloger]), [["attr", "list"], ["bzip2", "names"], ["zlib", "list"]]);
  assert.deepEqual((await scanTree(tree, catalogers.toReversed(), never)).packages, found.packages);
});

test("reads os-release through the link that /etc/os-release is, and no other file that no cataloger wants", async () => {
  const many = Object.fromEntries(Array.from({ length: 50_000 }, (_none, index) => [`srv/data/${index}.bin`, "x"]));
  const tree = treeOfTexts({ ...many, "etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "a.list": "attr" });
  const { osRelease } = await scanTree(tree, [namesIn("list", ".list"), ...CATALOGERS], never);
  assert.deepEqual([...tree.read], ["usr/lib/os-release", "a.list"]);
  assert.equal(osRelease?.path, "usr/lib/os-release");
  assert.equal(osRelease.values.get("PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
});

test("a file that is damaged, and one that is too large to hold, gives a warning with its path and no package", async () => {
  const tree = treeOfTexts({ "a.json": "{", "b.json": '{"name": "attr"}' });
  const huge = { ...tree.files.get("b.json"), path: "huge.json", sizeBytes: FILE_BYTES_MAX + 1 };
  const files = new Map<string, never>([...tree.files, ["huge.json", huge]] as never);
  const { packages, warnings } = await scanTree({ ...tree, files }, [jsonNames()], never);
  assert.deepEqual(packages.map(({ name }) => name), ["attr"]);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? "", /^a\.json: .*JSON/);
  assert.match(warnings[1] ?? "", /^huge\.json: not read, more than \d+ bytes$/);
});

test("a scan that is stopped rejects with the reason", async () => {
  const controller = new AbortController();
  const stopping: Cataloger = { ...namesIn("list", ".list"), wants: () => (controller.abort(new Error("enough")), true) };
  const slow = treeOfTexts(Object.fromEntries(Array.from({ length: 100_000 }, (_none, index) => [`${index}`, "x"])));
  await assert.rejects(scanTree(slow, [stopping], controller.signal), { message: "enough" });
});

function namesIn(name: string, suffix: string): Cataloger {
  return {
    name,
    wants: ({ path }) => path.endsWith(suffix),
    async find(files, context, signal) {
      const read = await Array.fromAsync(parseFiles(files, (bytes) => bytes.toString("utf8").split("\n"), context, signal));
      return read.flatMap(({ file, parsed }) => parsed.map((one) => genericPackage(one, file.path)));
    },
  };
}

function jsonNames(): Cataloger {
  return {
    name: "json",
    wants: ({ path }) => path.endsWith(".json"),
    async find(files, context, signal) {
      const read = await Array.fromAsync(parseFiles(files, (bytes) => JSON.parse(bytes.toString("utf8")) as { name: string }, context, signal));
      return read.map(({ file, parsed }) => genericPackage(parsed.name, file.path));
    },
  };
}

function genericPackage(name: string, path: string) {
  return {
    type: "generic", namespace: undefined, name, version: undefined, qualifiers: {}, licenses: [], supplier: undefined, homepage: undefined,
    evidence: [path], broughtBy: path, files: [], dependencies: [],
  } as const;
}
