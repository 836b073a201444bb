import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildHistory } from "./build-history.ts";
import { findRun } from "./find-run.ts";

test("where nothing was recorded, what to do is told", () => {
  const empty: Pick<BuildHistory, "list" | "find"> = { list: () => [], find: () => undefined };
  assert.throws(() => findRun(empty, ""), { code: "missing-input", message: /^there is no record of any build: build something first, or name another root with --root$/ });
  assert.throws(() => findRun(empty, "^2"), { code: "missing-input", message: "there is no build ^2: fewer were recorded" });
});
