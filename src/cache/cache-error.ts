export type CacheErrorCode =
  | "invalid" // a cache that is not what it says, or not what it must be
  | "missing" // what the cache speaks of is not there
  | "unavailable" // the place does not answer, or refuses
  | "unsupported"; // something of a cache that we do not have

/** What cannot be read from, or written to, a cache that is shared with others. */
export class CacheError extends Error {
  override readonly name = "CacheError";
  readonly code: CacheErrorCode;
  readonly retryable: boolean;

  constructor(code: CacheErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === "unavailable";
  }
}
