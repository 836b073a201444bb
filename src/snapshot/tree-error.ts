/** Something about paths of a tree that cannot be. Texts are those of the system calls that BuildKit reports. */
export class TreeError extends Error {
  override readonly name = "TreeError";
  readonly code: "not-found" | "not-a-directory" | "not-a-file" | "too-large" | "too-many-links" | "dangling-hardlink";

  constructor(code: TreeError["code"], message: string) {
    super(message);
    this.code = code;
  }

  /** A tree does not change, so neither does the answer. */
  get retryable(): boolean {
    return false;
  }
}
