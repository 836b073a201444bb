/** What failed first: a clean-up that failed as well must not hide it. */
export function originalError(error: unknown): unknown {
  return error instanceof SuppressedError ? originalError(error.suppressed) : error;
}
