import assert from "node:assert/strict";
import { test } from "node:test";
import { COLORLESS, palette } from "./screen-colors.ts";

test("BUILDKIT_COLORS chooses by name or by red, green and blue, and NO_COLOR wins", () => {
  assert.deepEqual(palette({}), { run: "\u001b[34m", error: "\u001b[31m", cancel: "\u001b[33m", faint: "\u001b[2m", none: "" });
  assert.deepEqual(palette({ BUILDKIT_COLORS: "run=light-green:error=255,0,10" }), { run: "\u001b[92m", error: "\u001b[38;2;255;0;10m", cancel: "\u001b[33m", faint: "\u001b[2m", none: "" });
  assert.equal(palette({ BUILDKIT_COLORS: "run=no such:error=1,2:constructor=red" }).run, "\u001b[34m", "what cannot be read changes nothing");
  assert.deepEqual(palette({ NO_COLOR: "1", BUILDKIT_COLORS: "run=red" }), COLORLESS);
  assert.notDeepEqual(palette({ NO_COLOR: "" }), COLORLESS);
});
