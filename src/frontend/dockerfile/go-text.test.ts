import assert from "node:assert/strict";
import { test } from "node:test";
import { isSpace, trimStart } from "./go-text.ts";

const ALL = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));

test("white space is what Unicode says, for every character", () => {
  const white = ALL.filter((char) => /^\p{White_Space}$/u.test(char));
  assert.deepEqual(ALL.filter(isSpace), white);
  assert.deepEqual(ALL.filter((char) => trimStart(`${char}a`) === "a"), white);
});

test("a text of no character, or of two, is no white space", () => {
  for (const text of ["", "  ", "\t\n"]) assert.equal(isSpace(text), false);
});
