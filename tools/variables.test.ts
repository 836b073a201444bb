import assert from "node:assert/strict";
import { test } from "node:test";
import { undocumentedVariables } from "./variables.ts";

test("a variable that is read has a place in a document", () => {
  const sources = new Map([
    ["src/a.ts", `const root = env["STEMMA_ROOT"] ?? env["HOME"];\nconst again = env["STEMMA_ROOT"];`],
    ["src/b.ts", `const proxy = variable(env, "ALL_PROXY");`],
  ]);
  assert.deepEqual(undocumentedVariables(sources, new Map([["docs/settings.md", "`$HOME/.local`, `MY_ALL_PROXY`"]])), [
    "src/a.ts: reads STEMMA_ROOT, which docs/settings.md does not name",
    "src/b.ts: reads ALL_PROXY, which docs/settings.md does not name",
  ]);
  assert.deepEqual(undocumentedVariables(sources, new Map([["docs/a.md", "STEMMA_ROOT, HOME"], ["docs/b.md", "ALL_PROXY"]])), []);
});
