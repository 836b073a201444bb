/** The command line cannot be understood; the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "usage";
  readonly retryable = false;
}
