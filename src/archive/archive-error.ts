/** Why an archive is refused. None of it goes away by trying again. */
export type ArchiveErrorCode = "corrupt" | "truncated" | "unsafe-path" | "unsupported" | "too-large";

export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  readonly code: ArchiveErrorCode;
  readonly retryable = false;

  constructor(code: ArchiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
