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
  /** The kernel ended a process of it for want of memory. */
  readonly outOfMemory?: boolean;
}

/** How BuildKit begins what it says of a command that did not do what it should. */
export function incomplete(argv: readonly string[]): string {
  return `process ${JSON.stringify(argv.join(" "))} did not complete successfully`;
}

/** A command of a RUN ended with another status than it should. */
export class ProcessExitError extends OperationError {
  override readonly name = "ProcessExitError";
  readonly exitCode: number;
  readonly argv: readonly string[];
  /** The end of what it printed, both streams as they came. */
  readonly outputTail: string;
  readonly outOfMemory: boolean;

  constructor(exit: ProcessExit) {
    const { argv, exitCode, outputTail, cause, outOfMemory = false } = exit;
    const why = outOfMemory ? "cannot allocate memory" : `exit code: ${exitCode}${cause === undefined ? "" : `: ${cause.message}`}`;
    super("step-failed", `${incomplete(argv)}: ${why}`, { cause });
    this.argv = argv;
    this.exitCode = exitCode;
    this.outputTail = outputTail;
    this.outOfMemory = outOfMemory;
  }
}
