/** A pattern that cannot be matched against anything. The text is what users of BuildKit know. */
export class PatternError extends Error {
  override readonly name = "PatternError";
  readonly code: "bad-pattern" | "illegal-exclusion";

  /** `where` is put in front, to say whose pattern it is. */
  constructor(code: "bad-pattern" | "illegal-exclusion", where: string = "") {
    super(where + (code === "bad-pattern" ? "syntax error in pattern" : 'illegal exclusion pattern: "!"'));
    this.code = code;
  }

  /** The pattern stays wrong. */
  get retryable(): boolean {
    return false;
  }
}
