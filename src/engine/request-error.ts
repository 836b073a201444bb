/** What was asked for cannot be: `usage` as it is written, `missing-input` since something is not there. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: "usage" | "missing-input";
  readonly retryable = false;

  constructor(code: RequestError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
