import { eachUntilAborted } from "../host/until-aborted.ts";
import type { CommandIo } from "./command.ts";

/** What is piped in. It ends with `signal.reason` where that comes first: who pipes may wait for something else, such as a person. */
export async function* standardInput(io: Pick<CommandIo, "stdin" | "signal">): AsyncGenerator<Uint8Array, void, void> {
  const { signal } = io;
  // As long as it is read, it keeps this process.
  const end = (): void => void io.stdin.destroy();
  signal.addEventListener("abort", end, { once: true });
  try {
    yield* eachUntilAborted<Uint8Array>(io.stdin, signal);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
