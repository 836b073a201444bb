import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { runProcess } from "../host/process.ts";
import { MOUNT_FLAGS } from "../syscall/mount.ts";
import { SystemCallError } from "../syscall/native-function.ts";
import { makeNode } from "../syscall/node.ts";
import { setTimes } from "../syscall/times.ts";
import { parseMountOptions } from "./mount-options.ts";
import { TOOL_ENVIRONMENT } from "./run-to-end.ts";
import type { RuntimeSpec, SpecMount } from "./runtime-spec.ts";
import { SandboxError } from "./sandbox-error.ts";
import { existsInTree, resolveInTree } from "./tree-path.ts";
import { DEVICES } from "./tree-setup.ts";

/** What a process sees of the kernel comes by mounts alone. */
const KERNEL_TYPES: ReadonlySet<string> = new Set(["proc", "sysfs", "cgroup", "devpts", "mqueue"]);

/**
 * Puts files where mounts would be, for who may not mount: what is only read is copied, a directory that is written to is moved in, a
 * socket is linked, a tmpfs is a directory. Disposing puts all of it back, and what it lay over. `folder` is on the file system of the
 * tree and of what is moved.
 */
export async function placeMounts(spec: RuntimeSpec, folder: string, signal: AbortSignal): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  for (const [number, mount] of spec.mounts.entries()) {
    if (KERNEL_TYPES.has(mount.type)) continue;
    const target = resolveInTree(spec.root.path, mount.destination);
    if (mount.destination === "/dev") placeDevices(target, undo);
    else await place(mount, { target, aside: join(folder, `aside.${number}`) }, undo, signal);
  }
  return undo.move();
}

interface Place {
  readonly target: string;
  /** For what is there already. */
  readonly aside: string;
}

async function place(mount: SpecMount, { target, aside }: Place, undo: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  makeParents(dirname(target));
  if (existsInTree(target)) {
    keepingTime(target, () => move(target, aside));
    undo.defer(() => keepingTime(target, () => existsInTree(dirname(target)) && move(aside, target)));
  }
  // Before it is made: half a copy has to go too.
  undo.defer(() => keepingTime(target, () => takeBack(mount, target)));
  const time = timeAround(target);
  if (mount.type === "tmpfs") {
    mkdirSync(target);
    chmodSync(target, Number.parseInt(mount.options.find((option) => option.startsWith("mode="))?.slice("mode=".length) ?? "1777", 8));
  } else if (isReadOnly(mount)) {
    const { exitCode, stderr } = await runProcess({ argv: ["cp", "-a", "-T", "--", mount.source, target], env: TOOL_ENVIRONMENT }, signal);
    if (exitCode !== 0) throw new SandboxError("path", `${mount.destination} cannot be copied: ${stderr.toString().trim()}`);
  } else if (statSync(mount.source).isDirectory()) {
    move(mount.source, target);
  } else {
    linkSync(mount.source, target);
  }
  setTimes(dirname(target), time);
}

/** What was moved in goes back, as the process left it. */
function takeBack(mount: SpecMount, target: string): void {
  const movedIn = mount.type !== "tmpfs" && !isReadOnly(mount) && !existsInTree(mount.source);
  if (movedIn && lstatSync(target, { throwIfNoEntry: false })?.isDirectory() === true) move(target, mount.source);
  else rmSync(target, { recursive: true, force: true });
  // A process that removed it has emptied it: over a mount it could have done no more.
  if (movedIn && !existsInTree(mount.source)) mkdirSync(mount.source, { mode: 0o755 });
}

/** Those that the kernel lets us make; a container without CAP_MKNOD has none. */
function placeDevices(folder: string, undo: AsyncDisposableStack): void {
  for (const { name, major, minor } of DEVICES) {
    const path = join(folder, name);
    if (existsInTree(path)) continue;
    try {
      keepingTime(path, () => makeNode(path, { kind: "char", mode: 0o666, major, minor }));
      chmodSync(path, 0o666);
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== "EPERM") throw error;
      return;
    }
    undo.defer(() => keepingTime(path, () => lstatSync(path, { throwIfNoEntry: false })?.isCharacterDevice() === true && unlinkSync(path)));
  }
}

function isReadOnly({ options }: SpecMount): boolean {
  return (parseMountOptions(options).flags & MOUNT_FLAGS.readOnly) !== 0;
}

function makeParents(path: string): void {
  if (existsInTree(path)) return;
  makeParents(dirname(path));
  keepingTime(path, () => mkdirSync(path, { mode: 0o755 }));
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    throw new SandboxError("path", `${from} cannot be moved to ${to}, which is another file system: the state root has to be on one`);
  }
}

/** What we change in a directory is no change of the step. */
function keepingTime(path: string, change: () => unknown): void {
  if (!existsInTree(dirname(path))) return void change();
  const time = timeAround(path);
  change();
  setTimes(dirname(path), time);
}

function timeAround(path: string): bigint {
  return lstatSync(dirname(path), { bigint: true }).mtimeNs;
}
