import assert from "node:assert/strict";
import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { NamespaceError } from "../namespace/namespace-error.ts";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { makeNode } from "../syscall/node.ts";
import type { MountedTree } from "../snapshot/layer-store.ts";
import { testNetwork } from "./network.contract.ts";
import { openSandbox } from "./open-sandbox.ts";
import { processesNamed } from "./own-processes.contract.ts";
import type { RuntimeName } from "./runtime-choice.ts";
import { SandboxError } from "./sandbox-error.ts";
import type { Sandbox, SandboxProcess } from "./sandbox.ts";
import { fillSmallRoot } from "./small-root.contract.ts";

const signal = new AbortController().signal;

export interface Ground {
  readonly namespace: MountNamespace;
  readonly sandbox: Sandbox;
  readonly folder: string;
}

/** Where a process runs and until when, if not in the common root and to its end. */
export interface Place {
  readonly root?: string;
  readonly signal?: AbortSignal;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What every runtime has to do, run on a small tree of real programs. */
export async function testSandbox(runtime: RuntimeName): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `stemma-${runtime}-`));
  const opened = await open(runtime, folder);
  const skip = typeof opened === "string" ? opened : false;
  const ground = opened as Ground; // Only used where nothing is skipped.
  describe(`sandbox ${runtime}`, { skip }, () => {
    before(() => fillSmallRoot(join(folder, "root")));
    after(() => ground.namespace[Symbol.asyncDispose]());
    testProcess(ground);
    testSurroundings(ground);
    testUsers(ground);
    testIsolation(ground);
    testNetwork(ground, run);
    testMounts(ground);
    testAbort(ground, runtime);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
}

function testProcess(ground: Ground): void {
  test("the exit code is the process's own", async () => {
    for (const code of [0, 1, 7, 255]) assert.equal((await run(ground, [`exit ${code}`])).code, code);
  });

  test("a process that a signal ended has exit code 128 + its number", async () => {
    assert.equal((await run(ground, ["sh -c 'kill -9 $$'; exit $?"])).code, 137);
    assert.equal((await run(ground, ["sh -c 'kill -15 $$'; exit $?"])).code, 143);
  });

  test("a process reads what it is given, and nothing where it is given nothing", async () => {
    const { code, stdout } = await run(ground, ["cat; exit 3"], { input: Readable.from([Buffer.alloc(200_000, "a"), Buffer.from("end")]) });
    assert.deepEqual([code, stdout.length, stdout.slice(-3)], [3, 200_003, "end"]);
    assert.deepEqual(await run(ground, ["cat; echo none"]), { code: 0, stdout: "none\n", stderr: "" });
    assert.equal((await run(ground, ["exit 4"], { input: Readable.from([Buffer.alloc(1_000_000)]) })).code, 4);
  });

  test("output is whole and apart, also when the process ends at once", async () => {
    const { stdout, stderr } = await run(ground, ["head -c 1000000 /dev/zero; printf problem >&2"]);
    assert.deepEqual([stdout.length, stderr], [1_000_000, "problem"]);
    for (let round = 0; round < 5; round++) assert.equal((await run(ground, ["echo short"])).stdout, "short\n");
  });
}

function testSurroundings(ground: Ground): void {
  test("the environment keeps its order, with PATH and HOME added at its end", async () => {
    const { stdout } = await run(ground, [], { env: ["ZZ=1", "AA=two words", "MM="], argv: ["/bin/cat", "/proc/self/environ"] });
    assert.deepEqual(stdout.split("\0"), ["ZZ=1", "AA=two words", "MM=", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", ""]);
  });

  test("a PATH and a HOME that are given stand, and PATH finds the command", async () => {
    const { stdout } = await run(ground, [], { env: ["HOME=/elsewhere", "PATH=/nowhere:/bin"], argv: ["cat", "/proc/self/environ"] });
    assert.equal(stdout, "HOME=/elsewhere\0PATH=/nowhere:/bin\0");
  });

  test("a working directory that is not there is made and belongs to the user; what `..` leaves on its way is made too, and root's", async () => {
    await run(ground, ["mkdir -p /far/away && ln -s far/away /near"]);
    const seen = async (cwd: string, more = ""): Promise<string> => (await run(ground, [`pwd -P; stat -c '%u %g %a' . ${more}`], { cwd, user: "12:34" })).stdout;
    const found = [await seen("/made/for", ".."), await seen("/left/again/../../then", "/left /left/again"), await seen("/near/../found")];
    assert.deepEqual(found, ["/made/for\n12 34 755\n12 34 755\n", "/then\n12 34 755\n0 0 755\n0 0 755\n", "/far/found\n12 34 755\n"]);
  });

  test("a command that is not there is an error and not an exit code", async () => {
    for (const command of ["no-such-command", "/no/such/command"]) {
      let printed = "";
      const running = run(ground, [], { argv: [command], onOutput: (_stream, chunk) => void (printed += Buffer.from(chunk).toString("latin1")) });
      await assert.rejects(running, (error) => error instanceof SandboxError && error.code === "command" && error.message.includes(command));
      // Whoever sets the tree up has nothing to say of itself.
      assert.doesNotMatch(printed, /libuv|node:/);
    }
  });

  test("what a process left running is gone when it ends", async () => {
    const { code, stdout } = await run(ground, ["setsid sleep 9101 & sleep 9102 & echo started"]);
    assert.deepEqual([code, stdout], [0, "started\n"]);
    assert.deepEqual(processesNamed("sleep 910"), []);
  });

  test("standard output and error can be opened by name, also by another user", async () => {
    const { stdout, stderr } = await run(ground, ["echo out > /dev/stdout; echo err > /dev/stderr"], { user: "12:34" });
    assert.deepEqual([stdout, stderr], ["out\n", "err\n"]);
  });

  test("several processes run at once, each in its tree", async () => {
    const roots = ["one", "two", "three"].map((name) => join(ground.folder, `at-once-${name}`));
    for (const root of roots) fillSmallRoot(root);
    const outcomes = await Promise.all(roots.map((root, index) => run(ground, [`sleep 0.2; echo ${index} | cat; exit ${index}`], {}, { root })));
    assert.deepEqual(outcomes.map(({ code, stdout }) => [code, stdout]), [[0, "0\n"], [1, "1\n"], [2, "2\n"]]);
  });

  test("standard input is empty, and a broken pipe ends its writer", async () => {
    assert.equal((await run(ground, ["cat; yes | head -n 1"])).stdout, "y\n");
  });
}

function testUsers(ground: Ground): void {
  const cases: ReadonlyArray<readonly [user: string, uid: number, gid: number, groups: string, home: string]> = [
    ["", 0, 0, "0 7", "/root"],
    ["app", 1000, 1001, "1001 2000 3000", "/home/app"],
    ["1000", 1000, 1001, "1001 2000 3000", "/home/app"],
    ["app:extra", 1000, 2000, "2000", "/home/app"],
    ["app:77", 1000, 77, "77", "/home/app"],
    ["55", 55, 0, "0", "/"],
    ["55:66", 55, 66, "66", "/"],
  ];
  for (const [user, uid, gid, groups, home] of cases) {
    test(`user ${JSON.stringify(user)} is ${uid}:${gid} with groups ${groups} and home ${home}`, async () => {
      const { stdout } = await run(ground, ["id -u; id -g; echo $HOME; grep Groups: /proc/self/status"], { user });
      const [seenUid, seenGid, seenHome, seenGroups = ""] = stdout.split("\n");
      assert.deepEqual([seenUid, seenGid, seenHome], [String(uid), String(gid), home]);
      assert.deepEqual(seenGroups.replace("Groups:", "").trim().split(" ").toSorted(), groups.split(" ").toSorted());
    });
  }

  test("a user and a group that the tree does not know are named", async () => {
    await assert.rejects(run(ground, ["true"], { user: "foo" }), /^SandboxError: unable to find user foo: no matching entries in passwd file$/);
    await assert.rejects(run(ground, ["true"], { user: "app:foo" }), /^SandboxError: unable to find group foo: no matching entries in group file$/);
  });

  test("passwd is looked up inside the tree, wherever its link points", async () => {
    const root = join(ground.folder, "linked");
    fillSmallRoot(root);
    const outside = join(ground.folder, "passwd");
    writeFileSync(outside, "daemon:x:1:1::/:/bin/sh\n");
    for (const target of [outside, `../../../../../../../..${outside}`, "passwd"]) {
      rmSync(join(root, "etc/passwd"), { force: true });
      symlinkSync(target, join(root, "etc/passwd"));
      await assert.rejects(run(ground, ["true"], { user: "daemon" }, { root }), /unable to find user daemon/);
    }
  });

  test("root has the fourteen capabilities, without a device control group all but mknod, and another user none", async () => {
    const capabilities = "grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status | cut -f 2";
    const all = ground.sandbox.isolation.runtime === "namespaces" && !ground.sandbox.isolation.rootless ? "00000000a00425fb\n" : "00000000a80425fb\n";
    assert.equal((await run(ground, [capabilities])).stdout, all.repeat(3));
    assert.equal((await run(ground, [capabilities], { user: "55" })).stdout, `0000000000000000\n0000000000000000\n${all}`);
  });

  test("the machine's disks cannot be opened, neither through a node of the image nor through a new one", { skip: ground.sandbox?.isolation.rootless !== false }, async (context) => {
    const root = join(ground.folder, "disk");
    const shared = join(ground.folder, "disk-cache");
    fillSmallRoot(root);
    mkdirSync(shared);
    const device = openableDisk(ground.folder);
    if (device === undefined) return context.skip("this machine lets not even us open a disk");
    for (const path of [join(root, "disk"), join(shared, "disk")]) makeNode(path, device);
    const mounts = [{ kind: "bind", source: shared, destination: "/cache", readOnly: false }, { kind: "tmpfs", destination: "/tmp", sizeBytes: undefined }] as const;
    const script = `for place in /new /dev/new /tmp/new /cache/new; do mknod $place b ${device.major} ${device.minor} 2>/dev/null; done
      for path in /disk /cache/disk /new /dev/new /tmp/new /cache/new; do head -c 1 $path > /dev/null 2>&1 && echo opened $path; done; echo end`;
    assert.equal((await run(ground, [script], { mounts }, { root })).stdout, "end\n");
  });

  test("system calls are filtered where the sandbox says so", async () => {
    const { stdout } = await run(ground, ["grep ^Seccomp: /proc/self/status"]);
    assert.equal(stdout, `Seccomp:\t${ground.sandbox.isolation.seccomp ? 2 : 0}\n`);
    assert.notEqual((await run(ground, ["mount -t tmpfs tmpfs /mnt"])).code, 0);
    if (ground.sandbox.isolation.seccomp) assert.notEqual((await run(ground, ["unshare -U true"])).code, 0);
  });
}

function testIsolation(ground: Ground): void {
  test("nothing of the host's file system or processes is to be seen", async () => {
    const { stdout } = await run(ground, [`ls ${ground.folder} /host 2>/dev/null; cd /; cat ../../../..${ground.folder}/root/etc/passwd; ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm`]);
    const [count, first] = stdout.trim().split("\n").slice(-2);
    assert.ok(Number(count) <= 3, stdout);
    assert.match(first ?? "", /^(sh|busybox|cat)$/);
  });

  test("hostname, hosts and extra hosts are as asked for", async () => {
    const extraHosts = [{ host: "registry.test", ip: "10.1.2.3" }];
    const { stdout } = await run(ground, ["hostname; cat /etc/hosts"], { hostname: "builder", extraHosts });
    assert.equal(stdout, "builder\n127.0.0.1\tlocalhost builder\n::1\tlocalhost ip6-localhost ip6-loopback\n10.1.2.3\tregistry.test\n");
    assert.equal((await run(ground, ["hostname"])).stdout, "buildkitsandbox\n");
  });

  test("devices work and belong to the sandbox", async () => {
    const script = "echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; echo y > /dev/full || echo full; echo z > /dev/shm/z && cat /dev/shm/z; ls -l /dev/ptmx | grep -c pts/ptmx; ls -A /dev/pts /dev/mqueue | wc -l > /dev/null; ls /dev/kmsg /dev/sda 2>/dev/null";
    assert.match((await run(ground, [script])).stdout, /^3\n5\nfull\nz\n1\n$/);
  });

  test("what the kernel shows of itself is masked or read-only", async () => {
    const script = "cat /proc/kcore /proc/keys | wc -c; ls /sys/firmware 2>/dev/null | wc -l; echo 1 > /proc/sys/kernel/panic || echo refused";
    assert.equal((await run(ground, [script])).stdout, "0\n0\nrefused\n");
  });

  test("a read-only root refuses writing", async () => {
    assert.equal((await run(ground, ["touch /file 2>/dev/null || echo refused; echo x > /dev/shm/x && echo written"], { readOnlyRoot: true })).stdout, "refused\nwritten\n");
    assert.ok(!existsSync(join(ground.folder, "root/file")));
  });

  test("the tree keeps what BuildKit keeps: proc and sys, and no trace of hosts, resolv.conf or mounts", async () => {
    const root = join(ground.folder, "bare");
    fillSmallRoot(root);
    rmSync(join(root, "etc"), { recursive: true });
    for (const name of ["proc", "sys", "dev"]) rmSync(join(root, name), { recursive: true, force: true });
    const before = readdirSync(root);
    const secret = secretFile(ground);
    await run(ground, ["cat /etc/hosts /deep/er/secret > /dev/null"], { mounts: [{ kind: "bind", source: secret, destination: "/deep/er/secret", readOnly: true }] }, { root });
    assert.deepEqual(readdirSync(root), [...before, "dev", "proc", "sys"].toSorted());
    assert.deepEqual(["dev", "proc", "sys"].map((name) => [lstatSync(join(root, name)).mode & 0o7777, readdirSync(join(root, name)).length]), Array.from({ length: 3 }, () => [0o755, 0]));
  });

  test("a mount point that the process filled stays with what it holds", async () => {
    const root = join(ground.folder, "filled");
    fillSmallRoot(root);
    const target = join(ground.folder, "shared");
    mkdirSync(target, { recursive: true });
    await run(ground, ["echo beside > /opt/new/beside"], { mounts: [{ kind: "bind", source: target, destination: "/opt/new/mount", readOnly: false }] }, { root });
    assert.deepEqual(readdirSync(join(root, "opt/new")), ["beside"]);
  });
}

function testMounts(ground: Ground): void {
  test("a secret is read in the process and not left in the tree", async () => {
    const mounts = [{ kind: "bind", source: secretFile(ground), destination: "/run/secrets/token", readOnly: true }] as const;
    assert.equal((await run(ground, ["cat /run/secrets/token; echo x > /run/secrets/token || echo refused"], { mounts })).stdout, "s3cretrefused\n");
    assert.ok(!existsSync(join(ground.folder, "root/run")));
  });

  test("a writable directory is written, and one mount can lie in another", async () => {
    const cache = join(ground.folder, "cache");
    mkdirSync(cache, { recursive: true });
    const mounts = [
      { kind: "bind", source: cache, destination: "/cache", readOnly: false },
      { kind: "tmpfs", destination: "/cache/scratch", sizeBytes: undefined },
    ] as const;
    await run(ground, ["echo kept > /cache/kept; echo lost > /cache/scratch/lost"], { mounts });
    assert.equal(readFileSync(join(cache, "kept"), "utf8"), "kept\n");
    assert.deepEqual(readdirSync(join(cache, "scratch")), []);
  });

  test("a tmpfs is empty, writable, of the size asked for, and of the mode of the directory that it lies over", async () => {
    const mounts = [{ kind: "tmpfs", destination: "/tmp", sizeBytes: 65_536 }, { kind: "tmpfs", destination: "/mnt", sizeBytes: undefined }] as const;
    const { stdout } = await run(ground, ["stat -c %a /tmp /mnt; ls -A /tmp; head -c 60000 /dev/zero > /tmp/fits && echo fits; head -c 90000 /dev/zero > /tmp/large 2>/dev/null || echo full"], { mounts });
    assert.equal(stdout, "1777\n755\nfits\nfull\n");
  });

  test("a mount point behind a link stays inside the tree", async () => {
    const root = join(ground.folder, "escape");
    fillSmallRoot(root);
    const outside = join(ground.folder, "outside");
    mkdirSync(outside);
    symlinkSync(outside, join(root, "link"));
    symlinkSync("../../../../..", join(root, "up"));
    const inner = `inner-${basename(ground.folder)}`;
    const mounts = [
      { kind: "bind", source: secretFile(ground), destination: "/link/secret", readOnly: true },
      { kind: "tmpfs", destination: `/up/${inner}`, sizeBytes: undefined },
    ] as const;
    assert.equal((await run(ground, [`cat /link/secret; touch /${inner}/file`], { mounts }, { root })).stdout, "s3cret");
    assert.deepEqual(readdirSync(outside), []);
    assert.ok(!existsSync(join(root, inner)) && !existsSync(`/${inner}`));
  });
}

function testAbort(ground: Ground, runtime: RuntimeName): void {
  for (const measured of [false, true]) {
    test(`abort ends the process${measured ? ", also one that is measured," : ""} with all descendants and leaves nothing of the sandbox`, async () => {
      const controller = new AbortController();
      const script = "setsid sh -c 'trap \"\" TERM INT; sleep 9201 & sleep 9202 & wait' & echo up; sleep 9203";
      const started = performance.now();
      const onUsage = measured ? () => assert.fail("it did not come to its end") : undefined;
      const running = run(ground, [script], { onUsage, onOutput: () => setTimeout(() => controller.abort(new Error("stop here")), 50) }, { signal: controller.signal });
      await assert.rejects(running, /stop here/);
      assert.ok(performance.now() - started < 15_000, "generous: well under a second on an idle machine");
      assert.deepEqual(processesNamed("sleep 920"), []);
      assertNothingLeft(ground, runtime);
    });
  }

  test("abort before the process runs leaves nothing either", async () => {
    for (const delayMs of [0, 2, 5, 10, 20]) {
      const controller = new AbortController();
      const running = run(ground, ["sleep 9301"], {}, { signal: controller.signal });
      const stopped = assert.rejects(running, /too early/);
      await sleep(delayMs);
      controller.abort(new Error("too early"));
      await stopped;
    }
    assert.deepEqual(processesNamed("sleep 9301"), []);
    assertNothingLeft(ground, runtime);
  });
}

/** No bundle, no container state, no control group, no mount outside the namespace. */
export function assertNothingLeft(ground: Ground, runtime: RuntimeName): void {
  const state = join(ground.folder, "state");
  assert.deepEqual(readdirSync(state).filter((name) => name !== runtime), []);
  if (existsSync(join(state, runtime))) assert.deepEqual(readdirSync(join(state, runtime)), []);
  const groups = ["", ...(existsSync("/sys/fs/cgroup") ? readdirSync("/sys/fs/cgroup") : [])].map((name) => join("/sys/fs/cgroup", name));
  const ours = groups.filter((path) => existsSync(path) && lstatSync(path).isDirectory()).flatMap((path) => readdirSync(path)).filter((name) => name.startsWith(`stemma-${process.pid}-`));
  assert.deepEqual(ours, []);
  assert.ok(!readFileSync("/proc/mounts", "utf8").includes(ground.folder));
}

export async function open(runtime: RuntimeName, folder: string): Promise<Ground | string> {
  try {
    const namespace = await openMountNamespace({ environment: process.env }, signal);
    try {
      return { namespace, folder, sandbox: await openSandbox({ namespace, stateDirectory: join(folder, "state"), prefer: runtime, environment: process.env }, signal) };
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    if (error instanceof NamespaceError || (error instanceof SandboxError && error.code === "unavailable")) return error.message;
    throw error;
  }
}

async function run(ground: Ground, script: readonly string[], changes: Partial<SandboxProcess> = {}, at: Place = {}): Promise<Outcome> {
  const output = { stdout: "", stderr: "" };
  const step: SandboxProcess = {
    argv: ["/bin/sh", "-c", script.join("\n")],
    env: [], cwd: "/", user: "", network: "host", hostname: "", extraHosts: [], limits: [], group: undefined, mounts: [], devices: [], insecure: false, readOnlyRoot: false, input: undefined, onUsage: undefined,
    ...changes,
    onOutput: (stream, chunk) => {
      output[stream] += Buffer.from(chunk).toString("latin1");
      changes.onOutput?.(stream, chunk);
    },
  };
  return { code: await ground.sandbox.run(step, plainTree(at.root ?? join(ground.folder, "root")), at.signal ?? signal), ...output };
}

/** A block device that this process itself can open: else a refusal would prove nothing. */
function openableDisk(folder: string): { readonly kind: "block"; readonly mode: number; readonly major: number; readonly minor: number } | undefined {
  const disks = readdirSync("/sys/class/block").map((name) => readFileSync(join("/sys/class/block", name, "dev"), "utf8").trim().split(":").map(Number));
  return disks.map(([major = 0, minor = 0]) => ({ kind: "block", mode: 0o666, major, minor }) as const).find((device) => {
    const path = join(folder, `disk-${device.major}-${device.minor}`);
    makeNode(path, device);
    try {
      closeSync(openSync(path, "r"));
      return true;
    } catch {
      return false; // Refused, or nothing behind it.
    }
  });
}

/** A directory as it is, in place of a mounted tree. */
export function plainTree(path: string): MountedTree {
  return {
    rootPath: path,
    viewPath: path,
    commit: () => Promise.reject(new Error("a plain directory has no layer")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export function secretFile(ground: Ground): string {
  const path = join(ground.folder, "secret");
  writeFileSync(path, "s3cret");
  chmodSync(path, 0o400);
  return path;
}
