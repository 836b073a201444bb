/** Codes are part of the interface: callers branch on them, messages are for people. */
export type RegistryErrorCode =
  /** We were known, and may not. */
  | "denied"
  /** We were not known, or not believed. */
  | "unauthorized"
  | "not-found"
  | "rate-limited"
  /** Not reachable, or not able to answer now. */
  | "unavailable"
  /** Its certificate is not to be believed, or it speaks no TLS. */
  | "untrusted"
  /** It understood, and does not take what we sent. */
  | "rejected"
  /** It did not answer as distribution-spec says. */
  | "protocol";

/** A registry's refusal. The message names the registry, who asked, where that identity came from, and what to change. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: RegistryErrorCode;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** How long the registry asks us to wait. */
  readonly retryAfterMs: number | undefined;
  /** The registry's own words, its codes included: `MANIFEST_INVALID: unknown media type`. Empty where it said nothing. */
  readonly said: string;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.said = options.said ?? "";
  }

  get retryable(): boolean {
    return this.code === "rate-limited" || this.code === "unavailable";
  }
}

export interface RegistryErrorOptions extends ErrorOptions {
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly said?: string;
}
