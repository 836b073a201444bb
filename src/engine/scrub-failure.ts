import { scrubText } from "../scrub/scrubber.ts";
import { BuildError } from "./build-error.ts";
import { scrubExcerpt, type Masking } from "./scrub-report.ts";

/** Errors name what they failed at, and so do their causes, which a program may print as well. */
export function scrubFailure(error: unknown, masking: Pick<Masking, "text" | "dockerfile">): unknown {
  if (!(error instanceof Error)) return typeof error === "string" ? masking.text(error) : error;
  const cause = error.cause === undefined ? undefined : scrubFailure(error.cause, masking);
  if (error instanceof BuildError) {
    const { code, retryable, excerpt, exitCode, report, message } = error;
    return new BuildError(masking.text(message), { code, retryable, excerpt: scrubExcerpt(excerpt, masking), exitCode, report: masking.text(report) }, { cause });
  }
  const [message, stack] = [masking.text(error.message), error.stack === undefined ? undefined : masking.text(error.stack)];
  if (message === error.message && stack === error.stack && cause === error.cause) return error;
  return Object.defineProperties(copyOf(error), { message: { value: message }, stack: { value: stack }, cause: { value: cause } });
}

/** Of the same class, with the same code: the error itself may be somebody else's. */
function copyOf(error: Error): Error {
  const descriptors = Object.getOwnPropertyDescriptors(error);
  for (const name of ["message", "stack", "cause"]) descriptors[name] = { configurable: true, enumerable: false, writable: true, value: undefined };
  // It has the prototype and the properties of one.
  return Object.create(Object.getPrototypeOf(error) as object, descriptors) as Error;
}

/** For what fails before there is a build: a request that cannot be. */
export const PLAIN_MASKING: Pick<Masking, "text" | "dockerfile"> = { text: scrubText, dockerfile: scrubText };
