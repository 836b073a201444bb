import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { catalog, type Catalog } from "../../testing/catalog.ts";
import { ELF_ADDRESS, numbers, sampleElf, type SampleElf } from "../../testing/sample-elf.ts";
import { treeOfTexts } from "../../testing/scan-trees.ts";
import { goProgram } from "../catalogers/go-program.ts";

const ROOT = join(import.meta.dirname, "../../..");
const MAGIC = Buffer.from("\xff Go buildinf:", "latin1");
const MARK = Buffer.alloc(16, 0x33);

function found(content: Uint8Array, path = "usr/lib/program.so"): Promise<Catalog> {
  return catalog(goProgram, treeOfTexts({ [path]: content }));
}

/** The compiler that checks this project is a program of Go. */
const [COMPILER] = globSync("node_modules/@typescript/typescript-linux-*/lib/tsc", { cwd: ROOT });

test("a real program of Go tells its modules, what replaced some of them, its own version and Go's", { skip: COMPILER === undefined ? "no such program for this machine" : false }, async () => {
  const { packages, needs, warnings } = await found(readFileSync(join(ROOT, COMPILER ?? "")));
  assert.deepEqual(warnings, []);
  const main = packages.find(({ files }) => files.length > 0);
  assert.equal(main?.namespace, "github.com/microsoft");
  assert.equal(main.name, "typescript-go");
  assert.match(main.version ?? "", /^v\d/);
  assert.equal(main.subpath, "cmd/tsgo");
  assert.deepEqual(main.files, ["usr/lib/program.so"]);
  assert.deepEqual(main.dependencies.toSorted(), Object.keys(needs).filter((purl) => !purl.includes("typescript-go")));
  assert.ok(main.dependencies.some((purl) => /^pkg:golang\/golang\.org\/x\/sys@v\d+\.\d+\.\d+$/.test(purl)), main.dependencies.join("\n"));
  assert.ok(main.dependencies.some((purl) => /^pkg:golang\/stdlib@1\.\d+(?:\.\d+)?$/.test(purl)), main.dependencies.join("\n"));
});

const MODULES = [
  "path\texample.com/Tool/cmd/tool",
  "mod\texample.com/Tool\t(devel)\t",
  "dep\tgithub.com/a/b/v2\tv2.1.0+incompatible\th1:xyz=",
  "dep\tgithub.com/old/name\tv1.0.0",
  "=>\tgithub.com/new/name\tv1.5.0\th1:abc=",
  "dep\tgithub.com/local/one\tv1.0.0",
  "=>\t../one\t",
  "build\t-compiler=gc",
  'build\t-ldflags="-s -w"',
  "build\tvcs.revision=0123456789abcdef",
  "build\tvcs.modified=false",
].join("\n");

const EXPECTED = {
  "pkg:golang/example.com/tool@0123456789abcdef#cmd/tool": ["pkg:golang/github.com/a/b/v2@v2.1.0%2Bincompatible", "pkg:golang/github.com/local/one", "pkg:golang/github.com/new/name@v1.5.0", "pkg:golang/stdlib@1.22.3"],
  "pkg:golang/github.com/a/b/v2@v2.1.0%2Bincompatible": [],
  "pkg:golang/github.com/local/one": [],
  "pkg:golang/github.com/new/name@v1.5.0": [],
  "pkg:golang/stdlib@1.22.3": [],
};

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

/** As Go 1.18 and later write it. */
function inline(goVersion: string, modules: string): Buffer {
  const text = modules === "" ? Buffer.alloc(0) : Buffer.concat([MARK, Buffer.from(`${modules}\n`), MARK]);
  return Buffer.concat([MAGIC, Buffer.of(8, 2), Buffer.alloc(16), varint(goVersion.length), Buffer.from(goVersion), varint(text.length), text]);
}

/** As Go 1.13 to 1.17 write it, at the start of a program's data. */
function pointed(form: Pick<SampleElf, "wordBytes" | "littleEndian">, goVersion: string, modules: string): Buffer {
  const { wordBytes, littleEndian } = form;
  const word = (value: number): Buffer => numbers(littleEndian)(wordBytes, value);
  const text = Buffer.concat([MARK, Buffer.from(`${modules}\n`), MARK]);
  const strings = ELF_ADDRESS + 32;
  const version = strings + 4 * wordBytes;
  return Buffer.concat([
    MAGIC, Buffer.of(wordBytes, littleEndian ? 0 : 1), word(strings), word(strings + 2 * wordBytes), Buffer.alloc(16 - 2 * wordBytes),
    word(version), word(goVersion.length), word(version + goVersion.length), word(text.length), Buffer.from(goVersion), text,
  ]);
}

for (const wordBytes of [4, 8] as const) {
  for (const littleEndian of [true, false]) {
    const form = { wordBytes, littleEndian };
    const name = `${wordBytes * 8} bits, ${littleEndian ? "little" : "big"} end first`;
    test(`${name}: both forms of build information are read, with a table of sections and without`, async () => {
      for (const content of [inline("go1.22.3", MODULES), pointed(form, "go1.22.3", MODULES)]) {
        for (const sectionTable of [true, false]) {
          const { needs, warnings } = await found(sampleElf({ ...form, sectionTable, sections: [{ name: ".go.buildinfo", content }] }));
          assert.deepEqual(warnings, []);
          assert.deepEqual(needs, EXPECTED);
        }
      }
    });
  }
}

const FORM = { wordBytes: 8, littleEndian: true, sectionTable: true } as const;
const program = (content: Uint8Array): Buffer => sampleElf({ ...FORM, sections: [{ name: ".go.buildinfo", content }] });

test("a commit with changes that nobody committed is not that commit, and without a commit there is no version", async () => {
  const dirty = await found(program(inline("go1.22.3 X:boringcrypto", MODULES.replace("vcs.modified=false", "vcs.modified=true"))));
  assert.ok("pkg:golang/example.com/tool@0123456789abcdef%2Bdirty#cmd/tool" in dirty.needs, Object.keys(dirty.needs).join());
  assert.ok("pkg:golang/stdlib@1.22.3" in dirty.needs);
  const none = await found(program(inline("devel +0123abc Mon", "path\texample.com/x\nmod\texample.com/x\t(devel)\t")));
  assert.deepEqual(Object.keys(none.needs), ["pkg:golang/example.com/x", "pkg:golang/stdlib"]);
});

test("a program that was built without modules has Go's library in it, and more is not known", async () => {
  assert.deepEqual((await found(program(inline("go1.19.8", "")))).needs, { "pkg:golang/stdlib@1.19.8": [] });
});

test("what is no program of Go gives nothing, and no warning", async () => {
  // A copy of build information, as in a program that looks for it, stands where it happens to.
  const copy = sampleElf({ ...FORM, sectionTable: false, sections: [{ name: ".data", content: Buffer.concat([Buffer.from("copy:"), inline("go1.22.3", MODULES)]) }] });
  for (const content of [copy, sampleElf({ ...FORM, sections: [{ name: ".text", content: Buffer.from("text") }] }), Buffer.from("#!/bin/sh\n"), Buffer.alloc(1000), MAGIC]) {
    const { packages, warnings } = await found(content);
    assert.deepEqual({ packages, warnings }, { packages: [], warnings: [] });
  }
});

const WHOLE = program(inline("go1.22.3", MODULES));

function changed(at: number, ...bytes: readonly number[]): Buffer {
  const copy = Buffer.from(WHOLE);
  copy.set(bytes, at);
  return copy;
}

const DAMAGED: ReadonlyArray<readonly [what: string, content: Buffer]> = [
  ["cut off", WHOLE.subarray(0, WHOLE.length - 100)],
  ["its section table lies out of the file", changed(40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ["entries of sections of another size", changed(58, 1, 0)],
  ["a string that is longer than the program", program(Buffer.concat([MAGIC, Buffer.of(8, 2), Buffer.alloc(16), Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)]))],
  ["pointers out of the program", program(Buffer.concat([MAGIC, Buffer.of(8, 0), Buffer.alloc(16, 0xee)]))],
  ["pointers of no known width", program(Buffer.concat([MAGIC, Buffer.of(3, 0), Buffer.alloc(16)]))],
  ["a module without a path", program(inline("go1.22.3", "dep\t\tv1"))],
  ["a replacement of nothing", program(inline("go1.22.3", "=>\ta\tv1"))],
  ["no build information in its section", program(Buffer.alloc(64))],
];

for (const [what, content] of DAMAGED) {
  test(`a damaged program gives no package and one warning with its path: ${what}`, async () => {
    const { packages, warnings } = await found(content);
    assert.deepEqual(packages, []);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /^usr\/lib\/program\.so: /);
  });
}

test("of a large program only the headers and the build information are read", async () => {
  const padding = { name: ".text", content: Buffer.alloc(40 * 1024 * 1024) };
  const content = sampleElf({ ...FORM, sections: [padding, { name: ".go.buildinfo", content: inline("go1.22.3", MODULES) }] });
  const tree = treeOfTexts({ "program.so": content });
  const read: number[] = [];
  for (const file of tree.files.values()) {
    const readPart = file.readPart.bind(file);
    Object.assign(file, { read: undefined, readPart: (part: Parameters<typeof readPart>[0], signal: AbortSignal) => (read.push(part.sizeBytes), readPart(part, signal)) });
  }
  assert.deepEqual((await catalog(goProgram, tree)).needs, EXPECTED);
  assert.ok(read.reduce((sum, size) => sum + size, 0) < 4096, read.join());
});
