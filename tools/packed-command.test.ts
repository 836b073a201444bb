import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, test } from "node:test";
import { packCommand } from "./packed-command.ts";

const cache = mkdtempSync(join(tmpdir(), "stemma-packed-"));
after(() => rmSync(cache, { recursive: true }));
/** By the test that comes first. */
let packed: string | undefined;

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
  packed = await packCommand(cache);
  assert.notEqual(statSync(join(folder, "package.json")).birthtimeMs, madeMs);
});

/** Tells on standard error which of our files is loaded. */
const TELLING = `data:text/javascript,import { registerHooks } from "node:module"; registerHooks({ load(url, context, next) { if (url.includes("/dist/")) process._rawDebug("loaded " + url); return next(url, context); } });`;

function loadedBy(folder: string, args: readonly string[]): readonly string[] {
  const { stderr } = spawnSync(process.execPath, ["--import", TELLING, join(folder, "bin/stemma.js"), ...args], { encoding: "utf8" });
  return stderr.split("\n").filter((line) => line.startsWith("loaded ")).map((line) => fileURLToPath(line.slice("loaded ".length)));
}

test("a build is loaded from a few files, and its flags are refused without the engine", async () => {
  const folder = (packed ??= await packCommand(cache)) ?? "";
  const sizeOf = (files: readonly string[]): number => files.reduce((sum, file) => sum + statSync(file).size, 0);
  const engine = loadedBy(folder, ["build", "--root", join(cache, "root"), join(cache, "nowhere")]);
  const refused = loadedBy(folder, ["build", "--no-such-flag", "."]);
  assert.ok(engine.length < 40, engine.join("\n"));
  assert.ok(sizeOf(engine) > 1_000_000 && sizeOf(refused) < sizeOf(engine) / 15, `${String(sizeOf(engine))} and ${String(sizeOf(refused))} bytes`);
});
