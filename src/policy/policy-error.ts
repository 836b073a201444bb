/** A source that a policy does not allow, or a policy that cannot be asked: either way the build does not go on. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly code = "policy";
  readonly retryable = false;
  /** What the policy's author has to say to whoever is denied. */
  readonly denials: readonly string[];

  constructor(message: string, { denials = [], cause }: { readonly denials?: readonly string[]; readonly cause?: unknown } = {}) {
    super(message, { cause });
    this.denials = denials;
  }
}

/** The same with words before it. */
export function withPolicyPrefix(error: unknown, prefix: string): unknown {
  if (error instanceof PolicyError) return new PolicyError(`${prefix}: ${error.message}`, { denials: error.denials, cause: error });
  return error;
}
