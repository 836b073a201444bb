import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStateDatabase } from "../store/state-database.ts";
import { gitSkip as skip, openTestWorkTree, type TestWorkTree } from "../testing/work-tree.ts";
import { check, differences, equal } from "./commit-check.contract.ts";

/** As a fresh checkout has it. */
async function checkOut(repo: TestWorkTree, path: string): Promise<Buffer> {
  rmSync(join(repo.root, path));
  await repo.git("checkout", "--", path);
  return readFileSync(join(repo.root, path));
}

const CHECKOUTS: ReadonlyArray<readonly [name: string, attributes: string, config: readonly string[], committed: string | Buffer, checkedOut: string | Buffer]> = [
  ["eol=crlf", "*.txt text eol=crlf", [], "a\nb\n", "a\r\nb\r\n"],
  ["eol=crlf without text", "*.txt eol=crlf", [], "a\nb\n", "a\r\nb\r\n"],
  ["text with core.eol", "*.txt text", ["core.eol=crlf"], "a\n", "a\r\n"],
  ["text=auto with core.autocrlf", "* text=auto", ["core.autocrlf=true"], "a\nb\n", "a\r\nb\r\n"],
  ["core.autocrlf alone", "", ["core.autocrlf=true"], "a\nb\n", "a\r\nb\r\n"],
  ["the older attribute", "*.txt crlf", ["core.eol=crlf"], "a\n", "a\r\n"],
  ["working-tree-encoding=UTF-16", "*.txt text working-tree-encoding=UTF-16", [], "äß\n", utf16("äß\n", true)],
  ["working-tree-encoding=UTF-16LE with line ends", "*.txt text working-tree-encoding=UTF-16LE eol=crlf", [], "äß\n", utf16("äß\r\n", false)],
  ["working-tree-encoding=SHIFT-JIS", "*.txt working-tree-encoding=SHIFT-JIS", [], "日本\n", Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x0a])],
  ["ident", "*.txt ident", [], "// $Id$ x\n", `// $Id: ${blobOf("// $Id$ x\n")} $ x\n`],
];

function utf16(text: string, hasMark: boolean): Buffer {
  return Buffer.concat([hasMark ? Buffer.from([0xff, 0xfe]) : Buffer.alloc(0), Buffer.from(text, "utf16le")]);
}

function blobOf(text: string): string {
  return createHash("sha1").update(`blob ${Buffer.byteLength(text)}\0${text}`).digest("hex");
}

for (const [name, attributes, config, committed, checkedOut] of CHECKOUTS) {
  test(`what a checkout makes of a file is the commit's: ${name}`, { skip }, async (t) => {
    const repo = await openTestWorkTree(t);
    const blob = await repo.gitWith(committed, "hash-object", "-w", "--stdin");
    repo.write(".gitattributes", `${attributes}\n`);
    await repo.git("add", ".gitattributes");
    await repo.git("update-index", "--add", "--cacheinfo", `100644,${blob},file.txt`);
    await repo.git("commit", "-q", "-m", "x");
    for (const setting of config) await repo.git("config", ...setting.split("="));
    writeFileSync(join(repo.root, "file.txt"), "");
    assert.deepEqual(await checkOut(repo, "file.txt"), Buffer.from(checkedOut), "git itself");
    assert.deepEqual(await check(repo), equal(2, 1));
    writeFileSync(join(repo.root, "file.txt"), Buffer.concat([Buffer.from(checkedOut), Buffer.from(checkedOut).subarray(0, 2)]));
    assert.deepEqual(differences(await check(repo)), ["file.txt: other content"]);
  });
}

test("line ends that git would change back when it commits are the commit's, and others are not", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "*.txt text\n*.auto text=auto\n*.bin -text\n");
  repo.write("a.txt", "a\r\nb\r\n");
  repo.write("b.auto", "a\r\nb\r\n");
  repo.write("c.bin", "a\r\nb\r\n");
  repo.write("d.none", "a\r\nb\r\n");
  await repo.commit();
  assert.deepEqual(await check(repo), equal(5, 2));
  assert.equal(await repo.git("status", "--porcelain"), "");
  for (const path of ["c.bin", "d.none"]) repo.write(path, "a\nb\n");
  assert.deepEqual(differences(await check(repo)), ["c.bin: other content", "d.none: other content"]);
});

test("what only looks like text is not converted, and no more than git would", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "* text=auto\n");
  repo.write("zero", "a\nb\0\n");
  repo.write("lone", "a\n\rb\n");
  repo.write("lf", "a\r\nb\n");
  await repo.commit();
  repo.write("zero", "a\r\nb\0\r\n");
  repo.write("lone", "a\r\n\rb\r\n");
  assert.deepEqual(differences(await check(repo)), ["lone: other content", "zero: other content"]);
});

test("a keyword is the commit's only as a checkout writes it", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "*.sh ident\n");
  repo.write("a.sh", "# $Id$\n");
  await repo.commit();
  repo.write("a.sh", "# $Id: rm -rf / $\n");
  assert.deepEqual(differences(await check(repo)), ["a.sh: other content"]);
  assert.equal(await repo.git("hash-object", "a.sh"), await repo.git("rev-parse", "HEAD:a.sh"), "git does not look at what stands in a keyword");
});

test("a converted file must be executable as in the commit, too", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "*.sh text\n");
  repo.write("a.sh", "a\r\n");
  await repo.commit();
  chmodSync(join(repo.root, "a.sh"), 0o755);
  assert.deepEqual(differences(await check(repo)), ["a.sh: other mode"]);
});

test("a file too large to be text is compared as it is", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "* text\n");
  repo.write("big", Buffer.alloc(5_000_000, "line\r\n"));
  repo.write("small", Buffer.alloc(3_000_000, "line\r\n"));
  await repo.commit();
  assert.deepEqual(differences(await check(repo)), ["big: other content"]);
});

test("attributes reach names with blanks, line feeds and other bytes", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "* text\n");
  for (const name of [" lead", "in side", "line\nfeed", "quo\"te"]) repo.write(name, "a\r\n");
  writeFileSync(Buffer.concat([Buffer.from(`${repo.root}/`), Buffer.from([0xff])]), "a\r\n");
  await repo.commit();
  assert.deepEqual(await check(repo), equal(6, 5));
});

const BIG = Buffer.alloc(3000, "big file, ");
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${createHash("sha256").update(BIG).digest("hex")}\nsize ${BIG.length}\n`;

/** A repository as git-lfs leaves it: pointers in the commit, contents in the work tree. */
async function withPointer(repo: TestWorkTree, pointer: string): Promise<void> {
  repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
  const blob = await repo.gitWith(pointer, "hash-object", "-w", "--stdin");
  await repo.git("add", ".gitattributes");
  await repo.git("update-index", "--add", "--cacheinfo", `100644,${blob},a.bin`);
  await repo.git("commit", "-q", "-m", "x");
}

test("a file of git-lfs is the commit's when it is the one that the pointer names", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  await withPointer(repo, POINTER);
  repo.write("a.bin", BIG);
  assert.deepEqual(await check(repo), equal(2, 1));
  repo.write("a.bin", Buffer.from(BIG).fill("x", 0, 1));
  assert.deepEqual(differences(await check(repo)), ["a.bin: other content"]);
  repo.write("a.bin", POINTER);
  assert.deepEqual(await check(repo), equal(2), "not fetched: the pointer itself was used");
});

test("a pointer of another size, with extensions, or beyond what a pointer is, names nothing", { skip }, async (t) => {
  for (const pointer of [POINTER.replace("size 3000", "size 3001"), POINTER.replace("oid", "ext-0-x sha256:00\noid"), POINTER + "x".repeat(2000)]) {
    const repo = await openTestWorkTree(t);
    await withPointer(repo, pointer);
    repo.write("a.bin", BIG);
    assert.deepEqual(differences(await check(repo)), ["a.bin: other content"]);
  }
});

test("a filter of another program is named and not run, and its files count as different", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  const canary = join(repo.root, "..", `${repo.root.split("/").at(-1)}-canary`);
  t.after(() => rmSync(canary, { force: true }));
  repo.write(".gitattributes", "*.enc filter=vault\n");
  repo.write("a.enc", "sealed");
  await repo.commit();
  for (const command of ["clean", "smudge", "process"]) await repo.git("config", `filter.vault.${command}`, `touch '${canary}'; cat`);
  repo.write("a.enc", "opened");
  assert.deepEqual(differences(await check(repo)), ["a.enc: filter vault not understood"]);
  assert.equal(existsSync(canary), false);
});

test("a conversion that was made once is remembered by the content", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "* text\n");
  repo.write("a.txt", "a\r\n");
  await repo.commit();
  repo.write("b.txt", "a\r\n");
  await repo.commit();
  using database = openStateDatabase(":memory:");
  const reads: string[] = [];
  assert.deepEqual(await check(repo, { database, reads }), equal(3, 2));
  assert.equal(reads.filter((path) => path.endsWith(".txt")).length, 3, "each for its digest, one to convert it");
});
