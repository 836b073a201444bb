import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChmod } from "./file-mode.ts";

test("octal modes become bits, within bounds", () => {
  assert.equal(parseChmod("0755"), 0o755);
  assert.equal(parseChmod(""), undefined);
  for (const text of ["10000", "999", "0x1"]) assert.throws(() => parseChmod(text), /should be octal string and between 0 and 07777/, text);
});

test("symbolic modes stay as they are", () => {
  assert.equal(parseChmod("u=rwX,go-w"), "u=rwX,go-w");
});
