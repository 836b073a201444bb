import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { tryLock } from "../syscall/lock.ts";
import { OWNER_LOCK, sweepLeftovers } from "./leftovers.ts";
import { fillSmallRoot } from "./small-root.contract.ts";

const PROGRAM = `
  const [sources, folder, seconds] = process.argv.slice(1);
  const { openMountNamespace } = await import(sources + "/namespace/open-mount-namespace.ts");
  const { openSandbox } = await import(sources + "/sandbox/open-sandbox.ts");
  const signal = new AbortController().signal;
  const namespace = await openMountNamespace({ environment: process.env }, signal);
  const sandbox = await openSandbox({ namespace, stateDirectory: folder + "/state", prefer: "auto", environment: process.env }, signal);
  const root = folder + "/root";
  const step = { argv: ["sleep", seconds], env: [], cwd: "/", user: "", network: "none", hostname: "", extraHosts: [], limits: [], group: { parent: "/stemma-test-" + process.pid + "/inner", namedBy: "--cgroup-parent", limits: undefined }, mounts: [], devices: [], insecure: false, readOnlyRoot: false, input: undefined, onUsage: undefined, onOutput() {} };
  await sandbox.run(step, { rootPath: root, viewPath: root }, signal);`;

/** What no other process of this machine sleeps. */
const SECONDS = `1${String(process.pid).padStart(7, "0")}`;

const isRoot = process.getuid?.() === 0;

test("of a killed build no process stays, and the next one sweeps its files and control groups", { skip: isRoot ? false : "needs root" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-leftovers-"));
  fillSmallRoot(join(folder, "root"));
  const build = spawn(process.execPath, ["--input-type=module-typescript", "-e", PROGRAM, join(import.meta.dirname, ".."), folder, SECONDS], { stdio: "inherit" });
  await until(() => sleeping());
  build.kill("SIGKILL");
  await until(() => !sleeping() && !existsSync(`/proc/${build.pid}`));
  const state = join(folder, "state");
  const left = readdirSync(state).filter((name) => name.startsWith(`${build.pid}-`));
  assert.equal(left.length, 1);
  if (existsSync("/sys/fs/cgroup/memory")) assert.ok(controlGroupsOf(build.pid ?? 0).length > 0);
  sweepLeftovers(state);
  assert.deepEqual(readdirSync(state).filter((name) => name.startsWith(`${build.pid}-`)), []);
  assert.deepEqual(controlGroupsOf(build.pid ?? 0), []);
  rmSync(folder, { recursive: true });
});

test("what is locked is not swept, though its process is not in our /proc", () => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-leftovers-"));
  // Above the largest process number that Linux gives (proc(5), pid_max).
  const foreign = `9999999-${"0".repeat(25)}`;
  mkdirSync(join(folder, foreign));
  const lock = openSync(join(folder, foreign, OWNER_LOCK), "wx");
  tryLock(lock, "exclusive");
  sweepLeftovers(folder);
  assert.deepEqual(readdirSync(folder), [foreign]);
  closeSync(lock);
  sweepLeftovers(folder);
  assert.deepEqual(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

test("what belongs to a living process is not swept", () => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-leftovers-"));
  const own = `${process.pid}-${"0".repeat(25)}`;
  for (const name of [own, "other"]) mkdirSync(join(folder, name));
  sweepLeftovers(folder);
  assert.deepEqual(readdirSync(folder).toSorted(), [own, "other"].toSorted());
  rmSync(folder, { recursive: true });
});

function sleeping(): boolean {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1") === `sleep\0${SECONDS}\0`;
    } catch {
      return false; // It has ended.
    }
  });
}

function controlGroupsOf(pid: number): readonly string[] {
  const root = "/sys/fs/cgroup";
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [entry.name, ...readdirSync(join(root, entry.name))])
    .filter((name) => name.startsWith(`stemma-${pid}-`) || name === `stemma-test-${pid}`);
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 1500; round++) {
    if (condition()) return;
    await sleep(20);
  }
  assert.fail("it has not come about in half a minute");
}
