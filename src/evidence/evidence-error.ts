/** Why something could not be done with published evidence. */
export type EvidenceErrorCode =
  /** The request must be put differently. */
  | "usage"
  /** There is no such image, platform or evidence. */
  | "not-found"
  /** Evidence is about something else than what it stands for. */
  | "verification"
  /** What was read is not what is there any more. */
  | "changed";

export class EvidenceError extends Error {
  override readonly name = "EvidenceError";
  readonly code: EvidenceErrorCode;

  constructor(code: EvidenceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get retryable(): boolean {
    return this.code === "changed";
  }
}
