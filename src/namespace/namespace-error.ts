export type NamespaceErrorCode =
  | "tool-missing" // util-linux's unshare is not installed
  | "not-permitted" // this machine gives us no mount namespace
  | "mount-failed"
  | "spawn-failed"
  | "holder-gone"; // the helper process ended, and with it whatever it held

/** What went wrong in or with the mount namespace. `errno` is the name of the system's own error, such as ENOENT. */
export class NamespaceError extends Error {
  readonly code: NamespaceErrorCode;
  readonly errno: string | undefined;

  constructor(code: NamespaceErrorCode, message: string, errno?: string) {
    super(message);
    this.name = "NamespaceError";
    this.code = code;
    this.errno = errno;
  }

  /** A busy mount point may be free the next time; nothing else changes by itself. */
  get retryable(): boolean {
    return this.code === "mount-failed" && this.errno === "EBUSY";
  }
}
