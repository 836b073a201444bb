import assert from "node:assert/strict";
import { test } from "node:test";
import type { Functions } from "./go-function.ts";
import { ANY } from "./go-type.ts";
import { parseTemplate } from "./template.ts";
import { GoValue, complexOf, inside } from "./value.ts";

test("sees complex numbers as Go does", () => {
  const seen: unknown[] = [];
  const functions: Functions = { see: { parameters: [ANY], call: ([value]) => { seen.push(complexOf(inside(value) ?? new GoValue(ANY, undefined))); return ""; } } };
  parseTemplate("", "{{see 1.5-2i}}{{see 3i}}{{see 1e+2-2e-1i}}", functions).execute(undefined);
  assert.deepEqual(seen, [{ real: 1.5, imaginary: -2 }, { real: 0, imaginary: 3 }, { real: 100, imaginary: -0.2 }]);
});
