import { eachUntilAborted } from "../host/until-aborted.ts";

/** What is piped in. It ends with `signal.reason` where that comes first: who pipes may wait for something else, such as a person. */
export async function* standardInput(signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  // As long as it is read, it keeps this process.
  const end = (): void => void process.stdin.destroy();
  signal.addEventListener("abort", end, { once: true });
  try {
    yield* eachUntilAborted<Uint8Array>(process.stdin, signal);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
