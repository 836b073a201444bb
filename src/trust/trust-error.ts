/** `invalid`: a signature that is none, or not by this key. The others say that nothing can be told of it. */
export type TrustErrorCode = "invalid" | "unsupported" | "tool-missing" | "no-trust-root" | "unreachable";

/** Something is not signed as it has to be, or that cannot be found out. */
export class TrustError extends Error {
  override readonly name = "TrustError";
  readonly code: TrustErrorCode;
  readonly retryable = false;

  constructor(code: TrustErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
