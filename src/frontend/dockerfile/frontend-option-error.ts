/** A frontend attribute that cannot be taken. The message is BuildKit's. */
export class FrontendOptionError extends Error {
  override readonly name = "FrontendOptionError";
  readonly code = "invalid-option";

  get retryable(): boolean {
    return false;
  }
}
