import { closeSync, openSync } from "node:fs";
import { checkCall, nativeFunction } from "./native-function.ts";

const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x2_0000;

const unshareCall = nativeFunction("int unshare(int flags)");
const joinCall = nativeFunction("int setns(int fd, int kind)");

/**
 * setns(2): this thread goes into another process's mount namespace, and its root and working directory are then those of that
 * namespace. It must first share neither with Node's other threads; what it executes stays there.
 */
export function joinMountNamespace(pid: number): void {
  const fd = openSync(`/proc/${pid}/ns/mnt`, "r");
  try {
    checkCall(unshareCall(CLONE_FS), "unshare", "CLONE_FS");
    checkCall(joinCall(fd, CLONE_NEWNS), "setns", `mount namespace of process ${pid}`);
  } finally {
    closeSync(fd);
  }
}
