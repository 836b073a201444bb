/** What kept a file of the context from being read; what it was is `cause`. */
export class ReadFailure extends Error {
  override readonly name = "ReadFailure";
  /** In BuildKit's words: what was wanted. */
  readonly wanted: string;

  constructor(wanted: string, cause: unknown) {
    super(`${wanted}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.wanted = wanted;
  }
}

/** Names what was wanted in whatever the work fails with. An abort stays what it is. */
export async function reading<T>(wanted: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ReadFailure(wanted, error);
  }
}
