import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { diagnose } from "./diagnose.ts";

const signal = new AbortController().signal;

test("tells what a build would use, makes no state, and leaves nothing behind", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-diagnose-"));
  const mountsBefore = readFileSync("/proc/self/mounts", "utf8");
  const diagnosis = await diagnose({ root: join(folder.path, "not", "there"), env: { PATH: process.env["PATH"] } }, signal);
  assert.deepEqual(readdirSync(folder.path), []);
  assert.equal(readFileSync("/proc/self/mounts", "utf8"), mountsBefore);
  const { exists, writable, nearest } = diagnosis.state;
  assert.deepEqual({ exists, writable, nearest }, { exists: false, writable: true, nearest: folder.path });
  assert.ok(diagnosis.state.freeBytes > 0);
  assert.equal(diagnosis.canRun, diagnosis.mountNamespace.kind === "available");
  assert.deepEqual(diagnosis.sandbox.runtimes.map(({ runtime }) => runtime), ["crun", "runc", "namespaces"]);
});

test("the sandbox is the best that can be had, and each better one has its reason", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-diagnose-"));
  const { sandbox: { chosen, runtimes }, mountNamespace } = await diagnose({ root: folder.path, env: {} }, signal);
  const at = runtimes.findIndex(({ available }) => available);
  assert.equal(chosen, runtimes[at]?.runtime);
  if (mountNamespace.kind === "available") assert.ok(chosen);
  for (const { reason } of runtimes.slice(0, at)) assert.notEqual(reason, "");
});

test("a state root that no file can be written below is told, not thrown", async () => {
  const { state, canRun, snapshotter } = await diagnose({ root: "/proc/stemma", env: {} }, signal);
  assert.deepEqual([state.writable, state.nearest, canRun], [false, "/proc", false]);
  assert.equal(snapshotter.kind, "unknown");
});

test("overlay is told where the kernel mounts one, and else its word against it", async (t) => {
  const namespace = await openMountNamespace({ environment: {} }, signal).catch(() => undefined);
  if (namespace === undefined) return t.skip("no mount namespace on this machine");
  await using _held = namespace;
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-diagnose-"));
  const { snapshotter } = await diagnose({ root: folder.path, env: {} }, signal);
  // On some file systems, such as another overlay.
  if (snapshotter.kind !== "overlay") return assert.match(snapshotter.reason, /overlay/);
  const [lower, upper, work, target] = ["lower", "upper", "work", "target"].map((name) => join(folder.path, name)) as [string, string, string, string];
  for (const path of [lower, upper, work, target]) mkdirSync(path);
  await namespace.mount({ type: "overlay", source: "overlay", target, readOnly: false, data: `lowerdir=${lower},upperdir=${upper},workdir=${work}` }, signal);
  writeFileSync(join(namespace.viewPath(target), "file"), "");
  assert.deepEqual(readdirSync(upper), ["file"]);
});
