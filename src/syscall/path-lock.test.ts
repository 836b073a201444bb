import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { whileLocked } from "./path-lock.ts";

const skip = process.platform === "linux" ? false : "needs Linux";
const withFlock = skip === false && spawnSync("flock", ["--version"]).status !== 0 ? "flock is not installed" : skip;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-lock-"));
after(() => scratch.remove());
const never = new AbortController().signal;

test("of many who change a file at once, each sees what the one before made of it", { skip }, async () => {
  const [lock, file] = [join(scratch.path, "counter.lock"), join(scratch.path, "counter")];
  writeFileSync(file, "0");
  await Promise.all(Array.from({ length: 20 }, () => whileLocked(lock, async () => {
    const count = Number(readFileSync(file, "utf8"));
    await delay(1);
    writeFileSync(file, String(count + 1));
  }, never)));
  assert.deepEqual([readFileSync(file, "utf8"), existsSync(lock)], ["20", false]);
});

test("it is given back when the work fails", { skip }, async () => {
  const lock = join(scratch.path, "failing.lock");
  await assert.rejects(whileLocked(lock, () => Promise.reject(new RangeError("no")), never), RangeError);
  assert.equal(await whileLocked(lock, () => Promise.resolve("yes"), never), "yes");
  assert.equal(existsSync(lock), false);
});

test("other programs' locks count, for as long as one waits", { skip: withFlock }, async () => {
  const lock = join(scratch.path, "others.lock");
  const other = spawn("flock", [lock, "sh", "-c", "echo held; read line"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(other.stdout, "data");
  const stop = new AbortController();
  const left = whileLocked(lock, () => Promise.reject(new Error("began")), stop.signal);
  await delay(50);
  stop.abort(new Error("changed my mind"));
  await assert.rejects(left, /changed my mind/);
  let began = false;
  const waits = whileLocked(lock, async () => void (began = true), never);
  await delay(50);
  assert.equal(began, false);
  other.stdin.end("\n");
  await waits;
  assert.equal(began, true);
});

test("where there can be no such file, it says so", { skip }, async () => {
  await assert.rejects(whileLocked(join(scratch.path, "no/such/directory.lock"), () => Promise.resolve(), never), { code: "ENOENT" });
});
