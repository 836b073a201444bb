import { readdirSync } from "node:fs";
import { SystemCallError, checkCall, nativeFunction } from "./native-function.ts";

const SIG_SETMASK = 2;
const SIGNAL_MAX = 31;

/** `sigset_t` of the C library, at its largest. */
const SIGNAL_SET_BYTES = 128;

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const STANDARD_STREAMS = [0, 1, 2];

const fcntlCall = nativeFunction("int fcntl(int fd, int command, int argument)");
const execveCall = nativeFunction("int execve(const char *path, const char **argv, const char **env)");
const signalCall = nativeFunction("intptr_t signal(int number, intptr_t handler)");
const exitCall = nativeFunction("void _exit(int status)");
const maskCall = nativeFunction("int sigprocmask(int how, const void *set, void *old)");

/** Signals as a program expects to find them: Node ignores SIGPIPE, and that would outlive execve(2). */
export function resetSignals(): void {
  for (let number = 1; number <= SIGNAL_MAX; number++) signalCall(number, 0);
  checkCall(maskCall(SIG_SETMASK, Buffer.alloc(SIGNAL_SET_BYTES), null), "sigprocmask");
}

/** What whoever started us has left open ends with us, and is nothing for the program that we become. Needs /proc. */
export function closeOnExecute(): void {
  for (const descriptor of readdirSync("/proc/self/fd").map(Number).filter((each) => !STANDARD_STREAMS.includes(each))) {
    try {
      checkCall(fcntlCall(descriptor, F_SETFD, FD_CLOEXEC), "fcntl", String(descriptor));
    } catch (error) {
      // The list had itself open, and is not any more.
      if (!(error instanceof SystemCallError) || error.code !== "EBADF") throw error;
    }
  }
}

/** _exit(2): nothing of Node happens any more, and nothing that is still to be written is. */
export function exitAtOnce(status: number): void {
  exitCall(status);
}

/** execve(2): replaces this process, and returns only by throwing. `env` is `NAME=value`, kept in its order. */
export function execute(path: string, argv: readonly string[], env: readonly string[]): void {
  // Node marks even these to be closed.
  for (const descriptor of STANDARD_STREAMS) checkCall(fcntlCall(descriptor, F_SETFD, 0), "fcntl", String(descriptor));
  checkCall(execveCall(path, [...argv, null], [...env, null]), "execve", path);
}
