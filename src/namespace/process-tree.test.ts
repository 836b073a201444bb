import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, test } from "node:test";
import { killTree } from "./process-tree.ts";

const skip = process.platform === "linux" && process.geteuid?.() === 0 ? false : "needs root on Linux";
/** Each of its children starts two more, some of them just when it is killed. */
const FAMILY = `for one in 1 2 3 4 5 6; do setsid sh -c 'sleep $0 & sleep $0 & wait' $0 & done; wait`;

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

/** Starts the command again and again, and kills it a little later each time. */
async function killsAll(program: string, args: readonly string[], rounds: number, laterMs: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const root = spawn(program, args, { stdio: "ignore" });
    const ended = once(root, "exit");
    for (const until = performance.now() + round * laterMs; performance.now() < until; );
    killTree(root.pid ?? assert.fail("not started"));
    await ended;
    assert.deepEqual(sleepers(), [], `round ${round}`);
  }
}

afterEach(() => {
  for (const pid of sleepers()) process.kill(Number(pid), "SIGKILL");
});

test("whom a process is just starting when it is killed goes with it", { skip, timeout: 120_000 }, async () => {
  await killsAll("unshare", ["--pid", "--fork", "--kill-child", "sleep", SLEEPER], 60, 1 / 15);
});

test("whom a descendant is just starting when it is killed goes with it, although its parent has died and ours never gets it", { skip, timeout: 120_000 }, async () => {
  await killsAll("sh", ["-c", FAMILY, SLEEPER], 30, 1 / 2);
});
