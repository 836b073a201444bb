import { InvalidPlatformError } from "../../../oci/platform.ts";
import { InvalidReferenceError } from "../../../oci/reference.ts";
import { DockerfileError } from "../dockerfile-error.ts";
import type { Range } from "../source-range.ts";

/** A Dockerfile that can be read but not built. The cause is what failed, such as a registry. */
export class ConversionError extends DockerfileError {
  readonly #retryable: boolean;

  constructor(message: string, locations: readonly (readonly Range[])[] = [], cause?: Error) {
    super("conversion", message, locations);
    if (cause !== undefined) this.cause = cause;
    this.#retryable = cause !== undefined && "retryable" in cause && cause.retryable === true;
  }

  override get retryable(): boolean {
    return this.#retryable;
  }
}

/** True for an error that says something about its input, unlike a bug or an abort. */
export function isFailure(error: unknown): error is Error {
  if (error instanceof InvalidReferenceError || error instanceof InvalidPlatformError) return true;
  return error instanceof Error && "code" in error && typeof error.code === "string" && "retryable" in error;
}

/** The failure with one more place that it touches; innermost first. Anything else stays as it is. */
export function withLocation(error: unknown, location: readonly Range[]): unknown {
  if (error instanceof DockerfileError) return new ConversionError(error.message, [...error.locations, location], causeOf(error));
  return isFailure(error) ? new ConversionError(error.message, [location], error) : error;
}

/** The failure with `prefix: ` before its message. Anything else stays as it is. */
export function withPrefix(error: unknown, prefix: string): unknown {
  if (error instanceof DockerfileError) return new ConversionError(`${prefix}: ${error.message}`, error.locations, causeOf(error));
  return isFailure(error) ? new ConversionError(`${prefix}: ${error.message}`, [], error) : error;
}

function causeOf(error: DockerfileError): Error {
  return error.cause instanceof Error ? error.cause : error;
}

/** Does the work; its failure is told as one at `location`. */
export function located<Value>(location: readonly Range[], work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw withLocation(error, location);
  }
}
