import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { killTree } from "./process-tree.ts";

const skip = process.platform === "linux" && process.geteuid?.() === 0 ? false : "needs root on Linux";
const ROUNDS = 60;

/** Seconds that nobody else sleeps. */
const SLEEPER = `${100_000 + process.pid}`;

function sleepers(): readonly string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandLine(name) === `sleep\0${SLEEPER}\0`);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // It has ended meanwhile.
  }
}

test("whom a process is just starting when it is killed goes with it", { skip, timeout: 120_000 }, async (t) => {
  t.after(() => {
    for (const pid of sleepers()) process.kill(Number(pid), "SIGKILL");
  });
  for (let round = 0; round < ROUNDS; round++) {
    const root = spawn("unshare", ["--pid", "--fork", "--kill-child", "sleep", SLEEPER], { stdio: "ignore" });
    const ended = once(root, "exit");
    // Some of them are just about to start the other by then.
    for (const until = performance.now() + (round % 60) / 15; performance.now() < until; );
    killTree(root.pid ?? assert.fail("not started"));
    await ended;
    assert.deepEqual(sleepers(), [], `round ${round}`);
  }
});
