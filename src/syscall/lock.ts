import { checkCall, nativeFunction, SystemCallError } from "./native-function.ts";

const LOCK = { shared: 1, exclusive: 2 } as const;
const LOCK_NONBLOCKING = 4;

const flockCall = nativeFunction("int flock(int fd, int operation)");

/**
 * flock(2) on an open file, without waiting: false where another holds it. The kernel gives it
 * back when the file is closed, and so when the process ends, however it ends.
 */
export function tryLock(fd: number, kind: "shared" | "exclusive"): boolean {
  try {
    checkCall(flockCall(fd, LOCK[kind] | LOCK_NONBLOCKING), "flock");
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "EAGAIN") return false;
    throw error;
  }
}
