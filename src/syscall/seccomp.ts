import { checkCall, nativeFunction } from "./native-function.ts";

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;

const INSTRUCTION_BYTES = 8;

const setFilterCall = nativeFunction("int prctl(int option, unsigned long mode, sock_fprog *program)", {
  name: "sock_fprog",
  members: { length: "uint16_t", instructions: "const uint8_t *" },
});

/**
 * Filters the system calls of this thread and of what it executes from here on (seccomp(2)); it cannot be taken back.
 * `program` is an array of `struct sock_filter`. Needs CAP_SYS_ADMIN in the user namespace, since programs with the setuid bit stay useful.
 */
export function filterSystemCalls(program: Uint8Array): void {
  checkCall(setFilterCall(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { length: program.length / INSTRUCTION_BYTES, instructions: program }), "prctl", "PR_SET_SECCOMP");
}
