import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** The kernel ends what lives in a namespace after its first process, and may take a moment for it: a long one where the machine is busy. */
const END_MS_MAX = 30_000;

/** Directories under a state root that only a running build has something in. */
const WORK = ["work/incoming/*", "work/locks/*", "layers/incoming/*", "layers/locks/*", "sandbox/*", "running/*"];

/** Neither a process nor a mount that knows this text, which should be in every path and command of the test. */
export async function assertNothingRuns(text: string): Promise<void> {
  let left = processesWith(text);
  for (let waitedMs = 0; left.length > 0 && waitedMs < END_MS_MAX; waitedMs += 20) {
    await delay(20);
    left = processesWith(text);
  }
  assert.deepEqual(left, [], "processes are left");
  assert.deepEqual(readFileSync("/proc/self/mounts", "utf8").split("\n").filter((line) => line.includes(text)), [], "mounts are left");
}

/** What a build that came to its end, or the one after a killed one, leaves of its work. */
export function assertNoWorkLeft(root: string): void {
  const left = existsSync(root) ? WORK.flatMap((pattern) => globSync(pattern, { cwd: root })) : [];
  assert.deepEqual(left, [], "work is left");
}

/** Control groups carry the number of the process that made them. */
export function assertNoControlGroupOf(pid: number): void {
  assert.deepEqual(globSync(`/sys/fs/cgroup/{*/,}stemma-${pid}-*`), [], "control groups are left");
}

/** Numbers and command lines. */
export function processesWith(text: string): readonly string[] {
  const others = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return others.flatMap((pid) => {
    const facts = [read(pid, "cmdline"), read(pid, "environ"), read(pid, "mounts"), link(pid, "cwd"), link(pid, "root")];
    return facts.some((fact) => fact.includes(text)) ? [`${pid} ${facts[0]?.replaceAll("\0", " ")}`] : [];
  });
}

/** Empty where the process has ended meanwhile, or is not ours to look into. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(join("/proc", pid, file), "utf8");
  } catch {
    return "";
  }
}

function link(pid: string, name: string): string {
  try {
    return readlinkSync(join("/proc", pid, name));
  } catch {
    return "";
  }
}
