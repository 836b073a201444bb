import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { MountNamespace, SpawnedProcess } from "./mount-namespace.ts";
import { NamespaceError } from "./namespace-error.ts";
import { openMountNamespace } from "./open-mount-namespace.ts";

const signal = new AbortController().signal;
const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };
const { namespace, refusal } = await openOrExplain();
const skip = refusal ?? false;
let folder = "";
/** Seconds that no other process of this machine sleeps begin so. */
const SLEEP = `1${String(process.pid).padStart(7, "0")}`;

before(() => void (folder = mkdtempSync(join(tmpdir(), "stemma-namespace-"))));
after(async () => {
  await namespace?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("an overlay is seen through viewPath and not in our own mount table", { skip }, async () => {
  const overlay = makeOverlay(join(folder, "overlay"));
  await held().mount({ type: "overlay", source: "overlay", target: overlay.target, readOnly: false, data: overlay.data }, signal);
  assert.deepEqual(readdirSync(held().viewPath(overlay.target)), ["below"]);
  writeFileSync(join(held().viewPath(overlay.target), "above"), "x");
  assert.deepEqual(readdirSync(overlay.upper), ["above"]);
  assert.deepEqual(readdirSync(overlay.target), []);
  assert.ok(!readFileSync("/proc/mounts", "utf8").includes(overlay.target));
  await held().unmount(overlay.target);
  assert.deepEqual(readdirSync(held().viewPath(overlay.target)), []);
});

test("a read-only bind mount cannot be written, and a tmpfs takes its size", { skip }, async () => {
  const [source, bind, tmpfs] = ["source", "bind", "tmpfs"].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [source, bind, tmpfs]) mkdirSync(path);
  writeFileSync(join(source, "file"), "text");
  await held().mount({ type: "bind", source, target: bind, readOnly: true, data: "" }, signal);
  await held().mount({ type: "tmpfs", source: "tmpfs", target: tmpfs, readOnly: false, data: "size=64k" }, signal);
  const script = 'cat "$1/file"; touch "$1/new" 2>/dev/null || echo " refused"; head -c 100000 /dev/zero > "$2/big" 2>/dev/null || echo full';
  assert.equal(await output(["/bin/sh", "-c", script, "sh", bind, tmpfs]), "text refused\nfull\n");
  for (const path of [bind, tmpfs]) await held().unmount(path);
});

test("a mount that fails tells the system's error", { skip }, async () => {
  const request = { type: "bind", source: join(folder, "nothing"), target: folder, readOnly: false, data: "" } as const;
  await assert.rejects(held().mount(request, signal), (error) => error instanceof NamespaceError && error.code === "mount-failed" && error.errno === "ENOENT");
});

test("output comes whole, stdout and stderr apart, with the exit code", { skip }, async () => {
  const child = await started(["/bin/sh", "-c", "head -c 3000000 /dev/zero; printf problem >&2; exit 42"]);
  await sleep(50); // The process meets a full pipe before anybody reads.
  const [stdout, stderr, code] = await Promise.all([drain(child.stdout), drain(child.stderr), child.exited]);
  assert.deepEqual([stdout.length, stderr, code], [3_000_000, "problem", 42]);
});

test("standard output is a pipe that can be opened again by name", { skip }, async () => {
  assert.equal(await output(["/bin/sh", "-c", "echo one > /dev/stdout; echo two > /proc/self/fd/1"]), "one\ntwo\n");
});

test("what is written to a process is what it reads, to the end", { skip }, async () => {
  const child = await held().spawn({ argv: ["cat"], cwd: "/", env, stdin: "pipe" }, signal);
  assert.ok(child.stdin);
  child.stderr.resume();
  const read = drain(child.stdout);
  const sent = Buffer.alloc(300_000, "line\n");
  child.stdin.write(sent);
  child.stdin.end();
  assert.equal(await read, sent.toString());
  assert.equal(await child.exited, 0);
});

test("a process that a signal ended has exit code 128 + its number", { skip }, async () => {
  const child = await started(["/bin/sh", "-c", "kill -TERM $$"]);
  assert.equal(await child.exited, 143);
});

test("a command that does not exist is a spawn failure", { skip }, async () => {
  const start = held().spawn({ argv: ["/no/such/command"], cwd: "/", env, stdin: "none" }, signal);
  await assert.rejects(start, (error) => error instanceof NamespaceError && error.code === "spawn-failed" && error.errno === "ENOENT");
});

test("abort kills the process with descendants that left its session", { skip }, async () => {
  const controller = new AbortController();
  const child = await held().spawn({ argv: ["/bin/sh", "-c", `setsid sleep ${SLEEP}1 & setsid sh -c 'sleep ${SLEEP}2 & sleep ${SLEEP}3' & echo up; wait`], cwd: "/", env, stdin: "none" }, controller.signal);
  child.stderr.resume();
  await once(child.stdout, "data");
  await sleep(30);
  controller.abort();
  assert.equal(await child.exited, 137);
  assert.deepEqual(sleepers(/[123]/), []);
});

test("a killed parent leaves no mount and no process", { skip }, async () => {
  const overlay = makeOverlay(join(folder, "killed"));
  const parent = spawn(process.execPath, ["--input-type=module-typescript", "-e", PARENT, import.meta.dirname, JSON.stringify(overlay), `${SLEEP}4`], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  assert.match(readFileSync(`/proc/${pid}/mounts`, "utf8"), new RegExp(overlay.target));
  assert.equal(sleepers(/4/).length, 1);
  parent.kill("SIGKILL");
  for (let round = 0; round < 1500 && existsSync(`/proc/${pid}`); round++) await sleep(20);
  // Those in it end after it, and by the kernel.
  for (let round = 0; round < 1500 && sleepers(/4/).length > 0; round++) await sleep(20);
  assert.deepEqual(sleepers(/4/), []);
  assert.ok(!existsSync(`/proc/${pid}`));
  assert.ok(!readFileSync("/proc/mounts", "utf8").includes(overlay.target));
});

test("disposing ends what runs inside and what is mounted, and what is asked afterwards is refused", { skip }, async () => {
  const own = await openMountNamespace({ environment: process.env }, signal);
  const child = await own.spawn({ argv: ["sleep", `${SLEEP}5`], cwd: "/", env, stdin: "none" }, signal);
  await own[Symbol.asyncDispose]();
  await assert.rejects(child.exited, (error) => error instanceof NamespaceError && error.code === "holder-gone");
  await own.unmount("/");
  await assert.rejects(own.spawn({ argv: ["true"], cwd: "/", env, stdin: "none" }, signal), (error) => error instanceof NamespaceError && error.code === "holder-gone");
  assert.deepEqual(sleepers(/5/), []);
});

test("a start that is aborted rejects with the reason and leaves nothing", { skip }, async () => {
  const controller = new AbortController();
  const opening = openMountNamespace({ environment: process.env }, controller.signal);
  controller.abort(new Error("changed my mind"));
  await assert.rejects(opening, /changed my mind/);
});

test("a missing unshare is told by the name of its package", async () => {
  const opening = openMountNamespace({ environment: { PATH: "/nonexistent" }, nodePath: process.execPath }, signal);
  if (existsSync("/usr/bin/unshare")) await (await opening)[Symbol.asyncDispose](); // The usual directories are always searched.
  else await assert.rejects(opening, /util-linux/);
});

test("a user without privilege gets a namespace with one id, or is told what to enable", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("needs root to become another user");
  const script = `
    import { openMountNamespace } from ${JSON.stringify(join(import.meta.dirname, "open-mount-namespace.ts"))};
    try {
      await using own = await openMountNamespace({ environment: process.env }, new AbortController().signal);
      const child = await own.spawn({ argv: ["id", "-u"], cwd: "/", env: process.env }, new AbortController().signal);
      let text = ""; for await (const chunk of child.stdout) text += chunk;
      console.log(own.manyIds, text.trim());
    } catch (error) { console.log(error.code, error.message); }`;
  const child = spawn("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "--input-type=module-typescript", "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
  const [text, complaint] = await Promise.all([drain(child.stdout), drain(child.stderr)]);
  if (/EACCES|ERR_MODULE_NOT_FOUND|Cannot find/.test(complaint)) return context.skip("this checkout cannot be read by other users");
  assert.match(text, /^(false 0|not-permitted .*user namespaces)/s, complaint);
});

const PARENT = `
  const [folder, overlay] = [process.argv[1], JSON.parse(process.argv[2])];
  const { openMountNamespace } = await import(folder + "/open-mount-namespace.ts");
  const signal = new AbortController().signal;
  const own = await openMountNamespace({ environment: process.env }, signal);
  await own.mount({ type: "overlay", source: "overlay", target: overlay.target, readOnly: false, data: overlay.data }, signal);
  await own.spawn({ argv: ["sleep", process.argv[3]], cwd: "/", env: process.env }, signal);
  console.log(/\\d+/.exec(own.viewPath("/"))[0]);`;

async function openOrExplain(): Promise<{ readonly namespace?: MountNamespace; readonly refusal?: string }> {
  try {
    return { namespace: await openMountNamespace({ environment: process.env }, signal) };
  } catch (error) {
    if (error instanceof NamespaceError) return { refusal: error.message };
    throw error;
  }
}

function held(): MountNamespace {
  assert.ok(namespace !== undefined);
  return namespace;
}

function makeOverlay(root: string): { readonly target: string; readonly upper: string; readonly data: string } {
  const [lower, upper, work, target] = ["lower", "upper", "work", "target"].map((name) => join(root, name)) as [string, string, string, string];
  for (const path of [lower, upper, work, target]) mkdirSync(path, { recursive: true });
  writeFileSync(join(lower, "below"), "");
  return { target, upper, data: `lowerdir=${lower},upperdir=${upper},workdir=${work}` };
}

function started(argv: readonly [string, ...string[]]): Promise<SpawnedProcess> {
  return held().spawn({ argv, cwd: "/", env, stdin: "none" }, signal);
}

async function output(argv: readonly [string, ...string[]]): Promise<string> {
  const child = await started(argv);
  const [stdout] = await Promise.all([drain(child.stdout), drain(child.stderr), child.exited]);
  return stdout;
}

async function drain(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.toString("latin1");
  return text;
}

/** Processes of ours that sleep, by the last digit of their seconds. */
function sleepers(which: RegExp): readonly string[] {
  const pattern = new RegExp(`^sleep\0${SLEEP}${which.source}\0$`);
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1");
    } catch {
      return ""; // It has ended.
    }
  }).filter((line) => pattern.test(line));
}
