/** `running`: of a build that has not ended. `missing-input`: no such build, or no such attachment. `usage`: a filter or reference that cannot be. `damaged`: a record that is none. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly code: "missing-input" | "usage" | "damaged" | "newer-state" | "running";
  readonly retryable: boolean;

  constructor(code: HistoryError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === "running";
  }
}

/** Where a build is asked for and none was recorded. */
export function noBuilds(): HistoryError {
  return new HistoryError("missing-input", "there is no record of any build: build something first, or name another root with --root");
}
