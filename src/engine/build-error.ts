import { originalError } from "../content/original-error.ts";
import type { SourceExcerpt } from "../progress/event.ts";

/**
 * `dockerfile`: the text is wrong. `missing-input`: something that it names is not there. `step-failed`: a command said no.
 * The other codes are those of the part that failed, such as `not-found` of a registry.
 */
export class BuildError extends Error {
  override readonly name = "BuildError";
  readonly code: string;
  readonly retryable: boolean;
  /** The lines of the Dockerfile that it is about. */
  readonly excerpt: SourceExcerpt | undefined;
  /** What a person should see before the message: the step, the end of its output, the lines. Empty where there is no more to say. */
  readonly report: string;
  /** Of the command, where one failed. */
  readonly exitCode: number | undefined;

  constructor(message: string, details: BuildErrorDetails, options: ErrorOptions) {
    super(message, options);
    this.code = details.code;
    this.retryable = details.retryable;
    this.excerpt = details.excerpt;
    this.report = details.report;
    this.exitCode = details.exitCode;
  }
}

export interface BuildErrorDetails {
  readonly code: string;
  readonly retryable: boolean;
  readonly excerpt: SourceExcerpt | undefined;
  readonly report: string;
  readonly exitCode: number | undefined;
}

/** The first code on the way down to the cause. */
export function codeOf(error: unknown): { readonly code: string; readonly retryable: boolean } | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, retryable } = error as Error & { readonly code?: unknown; readonly retryable?: unknown };
  if (typeof code === "string") return { code, retryable: retryable === true };
  return codeOf(error.cause);
}

/** Gives every failure that has a code the one form that callers know. One without a code is a bug of ours, and stays what it is. */
export function asBuildError(failure: unknown): unknown {
  const error = originalError(failure);
  const coded = codeOf(error);
  if (coded === undefined || error instanceof BuildError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BuildError(message, { ...coded, excerpt: undefined, report: "", exitCode: undefined }, { cause: error });
}
