/** A filter or a size that cannot be. */
export class UpkeepError extends Error {
  override readonly name = "UpkeepError";
  readonly code = "usage";
  readonly retryable = false;
}
