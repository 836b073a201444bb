/** Something that a client was to lend and cannot. Texts are BuildKit's where it has them. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code: "usage" | "not-a-directory" | "unreadable" | "changed" | "secret-too-big";

  constructor(code: SessionError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** A file that changed may hold still the next time. */
  get retryable(): boolean {
    return this.code === "changed";
  }
}

/** The reason that a system call gave, as Go words it: `no such file or directory`. */
export function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return REASONS[code] ?? (code === "" ? String(error) : code);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  EIO: "input/output error",
  EMFILE: "too many open files: raise `ulimit -n`",
  ENFILE: "too many open files in system: raise fs.file-max",
};
