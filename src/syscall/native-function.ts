import koffi from "koffi";
import { getSystemErrorName } from "node:util";

/** A system call that said no. `code` is the errno's name, as in Node's own errors. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, subject: string) {
    const code = getSystemErrorName(-errno);
    super(`${code}: ${syscall}${subject === "" ? "" : ` ${subject}`}`);
    this.name = "SystemCallError";
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }

  get retryable(): boolean {
    return this.code === "EBUSY" || this.code === "EAGAIN";
  }
}

/**
 * A function of the C library that Node does not offer, such as
 * `nativeFunction("int umount2(const char *target, int flags)")`.
 */
export function nativeFunction(prototype: string): (...args: readonly unknown[]) => number {
  const call = koffi.load(null).func(prototype);
  return (...args) => Number(call(...args));
}

/** Throws what the last call left in errno when its result says that it failed. */
export function checkCall(result: number, syscall: string, subject: string = ""): number {
  if (result < 0) throw new SystemCallError(syscall, koffi.errno(), subject);
  return result;
}
