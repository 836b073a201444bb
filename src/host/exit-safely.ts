import { setFlagsFromString } from "node:v8";

/**
 * Flags of V8 without which a process may stand for ever at its end (nodejs/node#54918, #64560): the main thread waits there for
 * threads that compile, and one that makes machine code may wait for the main thread to collect garbage. The main thread then makes that code.
 */
export const EXIT_SAFELY: readonly string[] = ["--no-maglev-build-code-on-background", "--no-maglev-deopt-data-on-background"];

/** For a process that is ours, before it has much to compile. */
export function exitSafely(): void {
  for (const flag of EXIT_SAFELY) setFlagsFromString(flag);
}
