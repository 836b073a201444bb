import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { packCommand } from "./packed-command.ts";

const cache = mkdtempSync(join(tmpdir(), "stemma-packed-"));
after(() => rmSync(cache, { recursive: true }));

test("the packed command runs, is packed once, and what is a day old goes", async () => {
  const folder = (await packCommand(cache)) ?? "";
  assert.match(spawnSync(process.execPath, [join(folder, "bin/stemma.js"), "--version"], { encoding: "utf8" }).stdout, /^stemma \d/);
  assert.equal(statSync(folder).mode & 0o777, 0o755);
  const madeMs = statSync(join(folder, "package.json")).birthtimeMs;
  assert.equal(await packCommand(cache), folder);
  assert.equal(statSync(join(folder, "package.json")).birthtimeMs, madeMs);
  assert.deepEqual(readdirSync(cache), [basename(folder)]);
  const yesterday = statSync(folder).mtimeMs / 1000 - 2 * 24 * 60 * 60;
  utimesSync(folder, yesterday, yesterday);
  await packCommand(cache);
  assert.notEqual(statSync(join(folder, "package.json")).birthtimeMs, madeMs);
});
