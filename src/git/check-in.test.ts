import assert from "node:assert/strict";
import { test } from "node:test";
import { gitSkip as skip, openTestWorkTree } from "../testing/work-tree.ts";
import { readAttributes, UNSPECIFIED } from "./attributes.ts";
import { checkedIn, checkInOf } from "./check-in.ts";
import { findGit } from "./git-command.ts";
import { objectId } from "./object-id.ts";

const { signal } = new AbortController();

const ATTRIBUTES: readonly string[] = [
  "", "text", "-text", "text=auto", "text=input", "text=odd", "crlf", "-crlf", "crlf=input", "eol=lf", "eol=crlf", "text eol=lf", "-text eol=crlf", "text=auto eol=crlf",
  "binary", "ident", "-ident", "text ident", "working-tree-encoding=UTF-16", "working-tree-encoding=utf-16le-bom text", "working-tree-encoding=UTF-16BE",
  "working-tree-encoding=UTF-8 text", "working-tree-encoding=windows-1252", "working-tree-encoding=KOI8-R text ident",
];

const BOM = { le: Buffer.from([0xff, 0xfe]), be: Buffer.from([0xfe, 0xff]) };

const CONTENTS: ReadonlyArray<string | Buffer> = [
  "", "\r\n", "plain\n", "a\r\nb\r\n", "a\r\nb\n", "a\rb\r\n", "a\r", "a\0\r\n", "\u001a\r\n", "a\r\n\u001a", "\u0001\r\n", `${"x".repeat(127)}\u0001\r\n`, `${"x".repeat(128)}\u0001\r\n`,
  `${"x".repeat(200)}\u0001\u0002\r\n`, "\b\t\f\u001b\r\n", "\u007f\r\n", "ü\r\n", "# $Id$\r\n", `# $Id: ${"a".repeat(40)} $\r\n`, `$Id: ${"a".repeat(40)} $ $Id: ${"b".repeat(40)} $\n`, "$Id",
  Buffer.concat([BOM.le, Buffer.from("ä\r\n", "utf16le")]), Buffer.concat([BOM.be, Buffer.from("ä\r\n", "utf16le").swap16()]), Buffer.from("ä\r\n", "utf16le").swap16(),
  Buffer.from([0xe4, 0x0d, 0x0a]), Buffer.from([0xc1, 0xc2, 0x0d, 0x0a]),
];

for (const automatic of ["false", "true", "input"]) {
  test(`bytes are changed as git changes them when it commits, with core.autocrlf=${automatic}`, { skip }, async (t) => {
    const repo = await openTestWorkTree(t);
    const files = ATTRIBUTES.flatMap((_, a) => CONTENTS.map((content, c) => ({ path: `${a}/${c}`, content: Buffer.from(content) })));
    repo.write(".gitattributes", ATTRIBUTES.map((attributes, a) => `${a}/* ${attributes}\n`).join(""));
    for (const { path, content } of files) repo.write(path, content);
    await repo.git("config", "core.autocrlf", automatic);
    const byGit = (await repo.gitWith(files.map(({ path }) => `${path}\n`).join(""), "hash-object", "--stdin-paths")).split("\n");
    const git = findGit(repo.root, repo.env);
    assert.ok(git !== undefined);
    const attributes = await readAttributes(git, files.map(({ path }) => path), signal);
    const different: string[] = [];
    for (const [i, { path, content }] of files.entries()) {
      const checkIn = checkInOf(attributes.get(path) ?? UNSPECIFIED, automatic !== "false");
      const converted = checkIn === undefined ? content : checkedIn(content, checkIn);
      // Bytes that are not of the encoding: git would not commit them.
      if (converted === undefined) assert.notEqual(checkIn?.encoding, undefined);
      else if (objectId("sha1", "blob", converted) !== byGit[i]) different.push(`${ATTRIBUTES[Number(path.split("/")[0])]}: ${JSON.stringify(content.toString("latin1"))}`);
    }
    assert.deepEqual(different, []);
  });
}

test("an encoding that is not known here, and bytes that are not of theirs, are not converted", () => {
  const converted = (bytes: Buffer, encoding: string): string | undefined => checkedIn(bytes, { encoding, lineEnds: "kept", keyword: false })?.toString("utf8");
  const le = Buffer.from("ä", "utf16le");
  assert.equal(converted(le, "UTF-16LE"), "ä");
  assert.equal(converted(Buffer.concat([BOM.le, le]), "UTF-16"), "ä");
  assert.equal(converted(le, "UTF-16"), undefined, "the order must be told");
  assert.equal(converted(Buffer.concat([BOM.le, le]), "UTF-16LE"), undefined, "and not twice");
  assert.equal(converted(le.subarray(1), "UTF-16LE"), undefined);
  assert.equal(converted(le, "EBCDIC-US"), undefined);
});
