/** `step-failed`: the command said no. `unsupported`: the graph asks for what this engine does not do. `missing-input`: a secret, a directory, a path. */
export type OperationErrorCode = "step-failed" | "unsupported" | "missing-input";

export class OperationError extends Error {
  override readonly name: string = "OperationError";
  readonly code: OperationErrorCode;
  readonly retryable = false;

  constructor(code: OperationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface ProcessExit {
  readonly argv: readonly string[];
  readonly exitCode: number;
  readonly outputTail: string;
  /** Where it could not even be executed. */
  readonly cause?: Error;
}

/** A command of a RUN ended with another status than it should. */
export class ProcessExitError extends OperationError {
  override readonly name = "ProcessExitError";
  readonly exitCode: number;
  readonly argv: readonly string[];
  /** The end of what it printed, both streams as they came. */
  readonly outputTail: string;

  constructor(exit: ProcessExit) {
    const why = exit.cause === undefined ? "" : `: ${exit.cause.message}`;
    super("step-failed", `process ${JSON.stringify(exit.argv.join(" "))} did not complete successfully: exit code: ${exit.exitCode}${why}`, { cause: exit.cause });
    this.argv = exit.argv;
    this.exitCode = exit.exitCode;
    this.outputTail = exit.outputTail;
  }
}
