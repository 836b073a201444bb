import type { Digest } from "../content/digest.ts";
import { originalError } from "../content/original-error.ts";

/** Says which step failed; `cause` says why. */
export class VertexError extends Error {
  override readonly name = "VertexError";
  readonly vertex: Digest;
  readonly stepName: string;

  constructor(vertex: Digest, stepName: string, failure: unknown) {
    const cause = originalError(failure);
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.vertex = vertex;
    this.stepName = stepName;
  }
}
