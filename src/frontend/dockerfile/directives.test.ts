import assert from "node:assert/strict";
import { test } from "node:test";
import { detectSyntax, findDirective } from "./directives.ts";

function syntax(text: string): readonly [ref: string, value: string, line: number | undefined] | undefined {
  const found = detectSyntax(Buffer.from(text, "utf8"));
  return found && [found.ref, found.value, found.location[0]?.start.line];
}

test("the frontend's image is the first word of the syntax directive", () => {
  assert.deepEqual(syntax("# syntax = docker/dockerfile:1 --opt x \nFROM a"), ["docker/dockerfile:1", "docker/dockerfile:1 --opt x", 1]);
  assert.deepEqual(syntax("#escape=\\\r\n#SYNTAX=a\r\n"), ["a", "a", 2]);
});

test("a byte order mark and a `#!` line may stand before directives", () => {
  assert.deepEqual(syntax("\ufeff#!/usr/bin/env x\n# syntax=a"), ["a", "a", 2]);
});

test("other languages ask in their comments or as a JSON key", () => {
  assert.deepEqual(syntax("// syntax=a b\nx"), ["a", "a b", 1]);
  assert.deepEqual(syntax('#!x\n{"syntax": "a b", "x": 1}'), ["a b", "a b", 1]);
  assert.equal(syntax('{"syntax": 1}'), undefined);
  assert.equal(syntax("{ no json"), undefined);
});

test("a syntax directive counts only where directives may stand", () => {
  for (const text of ["\n# syntax=a", " # syntax=a", "# comment\n# syntax=a", "FROM a\n# syntax=b", "# syntax=", ""]) assert.equal(syntax(text), undefined, text);
});

test("what stands behind a repeated directive is not read", () => {
  const bytes = Buffer.from("# escape=`\n# escape=`\n# check=skip=all\n");
  assert.equal(findDirective("check", bytes), undefined);
  assert.equal(findDirective("escape", bytes)?.value, "`");
});

test("a value of blanks alone is its last blank", () => {
  assert.equal(findDirective("check", Buffer.from("# check=  \t"))?.value, "\t");
});
