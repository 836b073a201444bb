/** A source that a policy does not allow, or a policy that cannot be asked: either way the build does not go on. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly code = "policy";
  readonly retryable = false;
  /** What the policy's author has to say to whoever is denied. */
  readonly denials: readonly string[];
  /** A policy has said no; otherwise it could not be asked. */
  readonly isDenial: boolean;

  constructor(message: string, { denials, cause }: { readonly denials?: readonly string[] | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause });
    this.denials = denials ?? [];
    this.isDenial = denials !== undefined;
  }
}

/** The same with words before it. */
export function withPolicyPrefix(error: unknown, prefix: string): unknown {
  if (error instanceof PolicyError) return new PolicyError(`${prefix}: ${error.message}`, { denials: error.isDenial ? error.denials : undefined, cause: error });
  return error;
}
