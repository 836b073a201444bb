import { readFileSync } from "node:fs";
import { MOUNT_FLAGS, UNMOUNT_DETACH, UNMOUNT_NO_FOLLOW, mount, unmount } from "../syscall/mount.ts";
import { SystemCallError } from "../syscall/native-function.ts";
import type { MountRequest } from "./mount-namespace.ts";

const PROC_FLAGS = MOUNT_FLAGS.noSuid | MOUNT_FLAGS.noDev | MOUNT_FLAGS.noExec;

/** Mounts in the namespace of this process. */
export function mountInside(request: MountRequest): void {
  const { source, target, type, data } = request;
  const readOnly = request.readOnly ? MOUNT_FLAGS.readOnly : 0;
  if (type !== "bind") {
    mount({ source, target, type, data, flags: readOnly | (type === "proc" ? PROC_FLAGS : 0) });
    return;
  }
  // What lies mounted below comes along: a user namespace is not allowed to uncover it.
  mount({ source, target, type: "", data: "", flags: MOUNT_FLAGS.bind | MOUNT_FLAGS.recursive });
  if (request.readOnly) remountReadOnly(target);
}

/** A bind mount takes its flags only in a second call, and in a user namespace only if it keeps those that are locked. */
export function remountReadOnly(target: string): void {
  const flags = MOUNT_FLAGS.remount | MOUNT_FLAGS.bind | MOUNT_FLAGS.readOnly;
  mount({ source: "", target, type: "", data: "", flags: flags | presentFlags(readFileSync("/proc/self/mountinfo", "utf8"), target) });
}

/** Unmounts; what is still in use stays for its users and is out of sight. */
export function unmountInside(target: string): void {
  try {
    unmount(target, UNMOUNT_NO_FOLLOW);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== "EBUSY") throw error;
    unmount(target, UNMOUNT_NO_FOLLOW | UNMOUNT_DETACH);
  }
}

const FLAG_OF_OPTION: Readonly<Record<string, number>> = {
  nosuid: MOUNT_FLAGS.noSuid,
  nodev: MOUNT_FLAGS.noDev,
  noexec: MOUNT_FLAGS.noExec,
  noatime: MOUNT_FLAGS.noAtime,
  nodiratime: MOUNT_FLAGS.noDirAtime,
  relatime: MOUNT_FLAGS.relAtime,
};

/** The flags of the topmost mount at `target`, out of the text of /proc/self/mountinfo (proc(5)). */
export function presentFlags(mountInfo: string, target: string): number {
  const line = mountInfo.split("\n").findLast((text) => unescapePath(text.split(" ")[4] ?? "") === target);
  const options = line?.split(" ")[5]?.split(",") ?? [];
  return options.reduce((flags, option) => flags | (FLAG_OF_OPTION[option] ?? 0), 0);
}

/** mountinfo writes blank, tab, newline and backslash in octal. */
function unescapePath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
