import { checkCall, nativeFunction } from "./native-function.ts";

/** O_CLOEXEC where Node runs on Linux: x86-64, arm64, riscv64, ppc64, s390x. */
const CLOSE_ON_EXEC = 0o2000000;

const pipeCall = nativeFunction("int pipe2(_Out_ int *fds, int flags)");

/** A real pipe. Node's own "pipe" is a socket pair, which cannot be opened again as /dev/stdout. */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = [0, 0];
  checkCall(pipeCall(ends, CLOSE_ON_EXEC), "pipe2");
  // pipe2(2) fills both when it succeeds.
  return { readEnd: ends[0] as number, writeEnd: ends[1] as number };
}
