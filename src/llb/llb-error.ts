export type LlbErrorCode = "invalid-definition" | "missing-input" | "cycle" | "too-many-vertices" | "invalid-text" | "unsupported-field";

/** A graph that cannot be read or written. */
export class LlbError extends Error {
  override readonly name = "LlbError";
  readonly code: LlbErrorCode;

  constructor(code: LlbErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get retryable(): boolean {
    return false;
  }
}
