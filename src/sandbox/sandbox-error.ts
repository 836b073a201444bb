export type SandboxErrorCode =
  | "unavailable" // no runtime that was asked for can be used here
  | "user" // USER names nobody in the tree
  | "path" // a working directory or mount point that cannot be made in the tree
  | "command" // the tree has no such command, or it is none
  | "limits" // limits or a control group that nothing here can hold a process to
  | "device" // a device that is not there, or that cannot be given to a process
  | "start"; // the runtime could not start the process

/** For who has one id only. */
export const MORE_IDS_ADVICE = "give this user ranges in /etc/subuid and /etc/subgid (and install newuidmap), or run as root";

/** Why a process did not run. What the process itself returned is an exit code, never an error. */
export class SandboxError extends Error {
  readonly code: SandboxErrorCode;

  constructor(code: SandboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SandboxError";
    this.code = code;
  }

  get retryable(): boolean {
    return false;
  }
}

/** How runc, crun and our own runtime begin when it is the command that they cannot execute. */
const COMMAND_REFUSED = /\bexec: "|\bexecutable file `|\bopen executable\b|\bexec format error\b/;

/** What a runtime said when it did not start the process, as an error that tells whose fault it is. */
export function startError(message: string): SandboxError {
  return new SandboxError(COMMAND_REFUSED.test(message) ? "command" : "start", message);
}
