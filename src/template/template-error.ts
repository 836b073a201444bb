/** Texts are Go's, so that they say to the user what `docker buildx` would. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly code: "parse" | "execute";
  readonly retryable = false;
  /** What was written before a template failed in execution. */
  readonly partialOutput: string;

  constructor(code: TemplateError["code"], message: string, partialOutput = "") {
    super(message);
    this.code = code;
    this.partialOutput = partialOutput;
  }
}

/** Thrown by a function that a template calls; it ends the execution with a text that names the function. */
export class FunctionError extends Error {
  override readonly name = "FunctionError";
}
