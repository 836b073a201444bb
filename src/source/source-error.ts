/** `not-found`: there is no such thing. `unauthorized`: it is not shown to us. `tool-missing`: a program is needed. `corrupt`: the bytes are not what was named. `unsupported`: a scheme we do not have. `changed`: it changed while it was read. */
export type SourceErrorCode = "not-found" | "unauthorized" | "tool-missing" | "corrupt" | "unsupported" | "changed" | "unavailable";

export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get retryable(): boolean {
    return this.code === "unavailable" || this.code === "changed";
  }
}
