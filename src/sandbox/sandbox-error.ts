export type SandboxErrorCode =
  | "unavailable" // no runtime that was asked for can be used here
  | "user" // USER names nobody in the tree
  | "path" // a working directory or mount point that cannot be made in the tree
  | "start"; // the runtime could not start the process

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
