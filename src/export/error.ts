/** `usage`: the request cannot be met as written. `destination`: the place does not take it. */
export type ExportErrorCode = "usage" | "destination";

export class ExportError extends Error {
  override readonly name = "ExportError";
  readonly code: ExportErrorCode;
  readonly retryable = false;

  constructor(code: ExportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
