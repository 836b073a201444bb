import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runProcess } from "../../src/host/process.ts";
import { runSkip } from "./workshop.ts";

test("builds that are killed at random leave a store without damage, and rebuilds equal fresh ones", { skip: runSkip }, async () => {
  const soak = join(import.meta.dirname, "../../tools/soak.ts");
  const { exitCode, stdout, stderr } = await runProcess({ argv: [process.execPath, soak, "--kills", "10"], env: process.env }, new AbortController().signal);
  assert.equal(exitCode, 0, `${stdout.toString("utf8")}${stderr.toString("utf8")}`);
  assert.match(stdout.toString("utf8"), /^done: seed \d+, 10 kills, .* no damage, all rebuilds equal$/m);
});
