import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { busyGroup, makeGroup, sweepGroup } from "./group-folders.ts";
import { openSandbox } from "./open-sandbox.ts";
import { plainTree } from "./sandbox.contract.ts";
import { SandboxError } from "./sandbox-error.ts";
import type { SandboxProcess, Surroundings } from "./sandbox.ts";
import { fillSmallRoot } from "./small-root.contract.ts";

const ROOT = "/sys/fs/cgroup";
const NAME = `stemma-test-${process.pid}`;
const [tree] = !existsSync(ROOT) ? [] : existsSync(join(ROOT, "cgroup.procs")) ? [ROOT] : readdirSync(ROOT).map((name) => join(ROOT, name)).filter((path) => existsSync(join(path, "cgroup.procs")));
const skip = process.getuid?.() !== 0 ? "needs root" : tree === undefined ? "this machine has no control groups" : false;
const there = (path: string): boolean => existsSync(join(tree ?? "", path));

describe("a control group in a parent", { skip }, () => {
  test("is made with all that it lies in, which goes with the last that needs it", async () => {
    const one = makeGroup(`/${NAME}/a/one`, undefined);
    const two = makeGroup(`/${NAME}/a/two`, undefined);
    assert.deepEqual([`${NAME}/a/one`, `${NAME}/a/two`].map(there), [true, true]);
    await one[Symbol.asyncDispose]();
    assert.deepEqual([`${NAME}/a/one`, `${NAME}/a/two`].map(there), [false, true]);
    await two[Symbol.asyncDispose]();
    assert.equal(there(NAME), false);
  });

  test("leaves a parent that was there, and what somebody else has put in one that was not", async () => {
    mkdirSync(join(tree ?? "", NAME));
    await makeGroup(`/${NAME}/made/one`, undefined)[Symbol.asyncDispose]();
    assert.deepEqual([`${NAME}/made`, NAME].map(there), [false, true]);
    const group = makeGroup(`/${NAME}/made/one`, undefined);
    mkdirSync(join(tree ?? "", NAME, "made/other"));
    await group[Symbol.asyncDispose]();
    assert.deepEqual([`${NAME}/made/one`, `${NAME}/made/other`].map(there), [false, true]);
    for (const path of [`${NAME}/made/other`, `${NAME}/made`, NAME]) rmdirSync(join(tree ?? "", path));
  });

  test("takes away what another build made on the way and left, since it was still in use", async () => {
    const program = `const { makeGroup } = await import(process.argv[1] + "/group-folders.ts");
      const made = makeGroup("/${NAME}/a/theirs", undefined);
      process.stdout.write("made");
      process.stdin.once("data", () => void made[Symbol.asyncDispose]());`;
    const other = spawn(process.execPath, ["--input-type=module-typescript", "-e", program, import.meta.dirname], { stdio: ["pipe", "pipe", "inherit"] });
    await once(other.stdout, "data");
    const ours = makeGroup(`/${NAME}/a/ours`, undefined);
    other.stdin.end("go");
    await once(other, "exit");
    assert.deepEqual([`${NAME}/a/theirs`, `${NAME}/a/ours`].map(there), [false, true]);
    await ours[Symbol.asyncDispose]();
    assert.equal(there(NAME), false);
  });

  test("takes with it who was left in it", { timeout: 30_000 }, async () => {
    const group = makeGroup(`/${NAME}/a/left`, undefined);
    const left = spawn("sleep", [`${200_000 + process.pid}`], { stdio: "ignore" });
    const ended = once(left, "exit");
    writeFileSync(join(tree ?? "", NAME, "a/left/cgroup.procs"), String(left.pid));
    await group[Symbol.asyncDispose]();
    assert.deepEqual(await ended, [null, "SIGKILL"]);
    assert.equal(there(NAME), false);
  });

  test("that cannot be made is an error, and leaves nothing", () => {
    assert.throws(() => makeGroup(`/${NAME}/cgroup.procs/one`, undefined), (error) => error instanceof SandboxError && error.code === "limits" && error.message.includes(`the control group /${NAME}/cgroup.procs cannot be used`));
    assert.equal(there(NAME), false);
  });

  test("is swept by what was noted of it before it was made", () => {
    const folder = mkdtempSync(join(tmpdir(), "stemma-groups-"));
    const notes = join(folder, "notes");
    makeGroup(`/${NAME}/a/swept`, notes);
    sweepGroup("/stemma-never", notes);
    assert.equal(there(NAME), false);
    writeFileSync(notes, "");
    sweepGroup("/stemma-never", notes);
    rmSync(folder, { recursive: true });
  });
});

test("a group of version 2 that tells its threads alone, as runtimes make it in a busy one, goes with who is in it", { timeout: 30_000, skip: skip === false && !existsSync(join(ROOT, "cgroup.controllers")) ? "needs control groups of version 2" : skip }, async () => {
  const group = makeGroup(`/${NAME}/a/threaded`, undefined);
  const inner = join(tree ?? "", NAME, "a/threaded/process");
  mkdirSync(inner);
  writeFileSync(join(inner, "cgroup.type"), "threaded");
  const left = spawn("sleep", [`${300_000 + process.pid}`], { stdio: "ignore" });
  const ended = once(left, "exit");
  writeFileSync(join(tree ?? "", NAME, "a/threaded/cgroup.procs"), String(left.pid));
  writeFileSync(join(inner, "cgroup.threads"), String(left.pid));
  await group[Symbol.asyncDispose]();
  assert.deepEqual(await ended, [null, "SIGKILL"]);
  assert.equal(there(NAME), false);
});

test("a group of version 2 on the way that has processes is found, the machine's own root left out", () => {
  const root = mkdtempSync(join(tmpdir(), "stemma-groups-"));
  const members = (path: string, text: string): void => writeFileSync(join(root, path, "cgroup.procs"), text);
  mkdirSync(join(root, "a/b"), { recursive: true });
  members("", "1\n2\n");
  members("a", "");
  members("a/b", "7\n");
  assert.deepEqual(["/", "/a", "/a/b", "/a/b/c", "/a/cgroup.procs/c"].map((group) => busyGroup(root, group)), [undefined, undefined, "/a/b", "/a/b", undefined]);
  // In a container the root is a group as any other, and has a type.
  writeFileSync(join(root, "cgroup.type"), "domain\n");
  assert.deepEqual(["/", "/a/b"].map((group) => busyGroup(root, group)), ["/", "/"]);
  members("", "");
  assert.equal(busyGroup(root, "/a/b/c"), "/a/b");
  rmSync(root, { recursive: true });
});

test("the control group of a step that is aborted goes with it", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-groups-"));
  fillSmallRoot(join(folder, "root"));
  const never = new AbortController().signal;
  const stop = new AbortController();
  {
    await using namespace = await openMountNamespace({ environment: process.env }, never);
    const sandbox = await openSandbox({ namespace, stateDirectory: join(folder, "state"), prefer: "auto", environment: process.env }, never);
    let seen = false;
    const step: SandboxProcess = {
      argv: ["/bin/sh", "-c", "echo up; sleep 9501"], env: [], cwd: "/", user: "", network: "host", hostname: "", extraHosts: [], limits: [], group: { parent: `${NAME}/aborted`, namedBy: "--cgroup-parent", limits: undefined },
      mounts: [], devices: [], insecure: false, readOnlyRoot: false, input: undefined, onUsage: undefined,
      onOutput() {
        seen = there(`${NAME}/aborted`);
        stop.abort(new Error("stop here"));
      },
    };
    await assert.rejects(sandbox.run(step, plainTree(join(folder, "root")), stop.signal), /stop here/);
    assert.deepEqual([seen, there(NAME)], [true, false]);
  }
  rmSync(folder, { recursive: true });
});

test("the control group of a container is in its parent while it runs, and goes with it", { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-groups-"));
  fillSmallRoot(join(folder, "root"));
  const never = new AbortController().signal;
  {
    await using namespace = await openMountNamespace({ environment: process.env }, never);
    const sandbox = await openSandbox({ namespace, stateDirectory: join(folder, "state"), prefer: "auto", environment: process.env }, never);
    const surroundings: Surroundings = {
      network: "host", hostname: "", extraHosts: [], limits: [], mounts: [], devices: [], insecure: false, readOnlyRoot: false,
      group: { parent: `${NAME}/container`, namedBy: "defaultCgroupParent", limits: undefined },
    };
    {
      await using container = sandbox.open(surroundings, plainTree(join(folder, "root")));
      const { exited, input } = await container.start({ argv: ["/bin/sh", "-c", "read line"], env: [], cwd: "/", user: "", streams: "input-and-output" });
      assert.ok(there(`${NAME}/container`));
      input?.end("\n");
      assert.equal(await exited, 0);
    }
    assert.ok(!there(NAME));
  }
  rmSync(folder, { recursive: true });
});
