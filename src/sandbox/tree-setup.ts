import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path/posix";
import { presentFlags } from "../namespace/mount-inside.ts";
import { MOUNT_FLAGS, mount } from "../syscall/mount.ts";
import { SystemCallError } from "../syscall/native-function.ts";
import { makeNode } from "../syscall/node.ts";
import { parseMountOptions } from "./mount-options.ts";
import { ALL_DEVICES, type RuntimeSpec, type SpecMount } from "./runtime-spec.ts";
import { existsInTree, resolveInTree } from "./tree-path.ts";

/** Character devices of a minimal /dev (devices.txt of the kernel). */
export const DEVICES: ReadonlyArray<{ readonly name: string; readonly major: number; readonly minor: number }> = [
  { name: "null", major: 1, minor: 3 },
  { name: "zero", major: 1, minor: 5 },
  { name: "full", major: 1, minor: 7 },
  { name: "random", major: 1, minor: 8 },
  { name: "urandom", major: 1, minor: 9 },
  { name: "tty", major: 5, minor: 0 },
];

const DEVICE_LINKS = [
  ["/proc/self/fd", "fd"], ["/proc/self/fd/0", "stdin"], ["/proc/self/fd/1", "stdout"], ["/proc/self/fd/2", "stderr"],
  ["pts/ptmx", "ptmx"],
] as const;

/** Mounts all that the specification names, in our own mount namespace, and fills /dev. */
export function setUpTree(spec: RuntimeSpec): void {
  const root = spec.root.path;
  // A new root has to be a mount point.
  mount({ source: root, target: root, type: "", flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.recursive, data: "" });
  const noDevices = spec.annotations?.[ALL_DEVICES] === "true" ? 0 : MOUNT_FLAGS.noDev;
  for (const entry of spec.mounts) {
    mountInTree(root, entry, noDevices);
    if (entry.destination === "/dev") fillDevices(resolveInTree(root, "/dev"), spec.linux.devices ?? []);
  }
  for (const path of spec.linux.readonlyPaths) protect(resolveInTree(root, path));
  for (const path of spec.linux.maskedPaths) mask(resolveInTree(root, path));
  limitBindMount(root, noDevices | (spec.root.readonly ? MOUNT_FLAGS.readOnly : 0));
}

/**
 * Takes rights from a bind mount, which it accepts only in a second call. Devices are among them but where all are allowed: there is
 * no control group here that says which of them may be opened, so that a node in an image would lead to the disks of this machine.
 */
function limitBindMount(target: string, limits: number): void {
  const present = presentFlags(readFileSync("/proc/self/mountinfo", "utf8"), target);
  const flags = MOUNT_FLAGS.remount | MOUNT_FLAGS.bind | limits | present;
  mount({ source: "", target, type: "", flags, data: "" });
}

function mountInTree(root: string, entry: SpecMount, noDevices: number): void {
  const target = resolveInTree(root, entry.destination);
  const { flags, data } = parseMountOptions(entry.options);
  const bind = (flags & MOUNT_FLAGS.bind) !== 0;
  makeMountPoint(target, bind && !statSync(entry.source).isDirectory());
  if (bind) {
    const kind = flags & (MOUNT_FLAGS.bind | MOUNT_FLAGS.recursive);
    mount({ source: entry.source, target, type: "", flags: kind, data });
    // A device that was asked for is what is mounted.
    limitBindMount(target, (flags & ~kind) | (isDevice(entry.source) ? 0 : noDevices));
  } else {
    // Terminals and the nodes of /dev itself are ours.
    const limits = entry.destination === "/dev" || entry.type === "devpts" ? 0 : noDevices;
    mount({ source: entry.source, target, type: entry.type, flags: flags | limits, data });
  }
}

function makeMountPoint(path: string, file: boolean): void {
  if (existsInTree(path)) return;
  mkdirSync(file ? dirname(path) : path, { recursive: true, mode: 0o755 });
  if (file) closeSync(openSync(path, "wx", 0o644));
}

function isDevice(path: string): boolean {
  const stat = statSync(path);
  return stat.isCharacterDevice() || stat.isBlockDevice();
}

function fillDevices(folder: string, more: NonNullable<RuntimeSpec["linux"]["devices"]>): void {
  for (const device of DEVICES) makeDevice(join(folder, device.name), device);
  for (const { path, type, fileMode, uid, gid, major, minor } of more) {
    const place = join(folder, relative("/dev", path));
    mkdirSync(dirname(place), { recursive: true, mode: 0o755 });
    rmSync(place, { force: true });
    makeNode(place, { kind: type === "b" ? "block" : "char", mode: fileMode, major, minor });
    chmodSync(place, fileMode);
    chownSync(place, uid, gid);
  }
  for (const [target, name] of DEVICE_LINKS) symlinkSync(target, join(folder, name));
}

/** A node of our own; where the kernel forbids that, as in a user namespace, the host's by bind mount. */
function makeDevice(path: string, device: { readonly name: string; readonly major: number; readonly minor: number }): void {
  try {
    makeNode(path, { kind: "char", mode: 0o666, major: device.major, minor: device.minor });
    chmodSync(path, 0o666); // Whatever the umask took away.
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== "EPERM") throw error;
    makeMountPoint(path, true);
    mount({ source: `/dev/${device.name}`, target: path, type: "", flags: MOUNT_FLAGS.bind, data: "" });
  }
}

function protect(path: string): void {
  if (!existsSync(path)) return;
  mount({ source: path, target: path, type: "", flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.recursive, data: "" });
  const quiet = MOUNT_FLAGS.noSuid | MOUNT_FLAGS.noDev | MOUNT_FLAGS.noExec;
  mount({ source: "", target: path, type: "", flags: MOUNT_FLAGS.remount | MOUNT_FLAGS.bind | MOUNT_FLAGS.readOnly | quiet, data: "" });
}

/** Directories become empty, files become /dev/null. */
function mask(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isDirectory()) mount({ source: "tmpfs", target: path, type: "tmpfs", flags: MOUNT_FLAGS.readOnly, data: "size=0k" });
  else mount({ source: "/dev/null", target: path, type: "", flags: MOUNT_FLAGS.bind, data: "" });
}
