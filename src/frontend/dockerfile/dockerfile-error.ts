import type { Range } from "./source-range.ts";

/** What is wrong with a Dockerfile: `source` its lines, `instruction` the sense of one of them, `conversion` what it leads to. */
export type DockerfileErrorCode = "source" | "instruction" | "unknown-instruction" | "no-stage" | "conversion";

/** The first fatal fault of a Dockerfile. The message is BuildKit's, word for word. */
export class DockerfileError extends Error {
  override readonly name = "DockerfileError";
  readonly code: DockerfileErrorCode;
  /** One list of ranges for each place that the fault touches, innermost first. */
  readonly locations: readonly (readonly Range[])[];

  constructor(code: DockerfileErrorCode, message: string, locations: readonly (readonly Range[])[]) {
    super(message);
    this.code = code;
    this.locations = locations;
  }

  get retryable(): boolean {
    return false;
  }
}

/** A fault in one instruction, before it is known where that stands. */
export class InstructionError extends Error {
  override readonly name = "InstructionError";
  readonly code: Exclude<DockerfileErrorCode, "no-stage">;

  constructor(message: string, code: InstructionError["code"] = "instruction") {
    super(message);
    this.code = code;
  }

  get retryable(): boolean {
    return false;
  }
}
