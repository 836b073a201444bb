import { setTimeout as delay } from "node:timers/promises";
import { RegistryError } from "./registry-error.ts";

/** How often one call is tried in all. */
const ATTEMPTS_MAX = 4;
const DELAY_MS_FIRST = 250;
/** A registry that asks for more patience than this gets none: people should hear of it. */
const DELAY_MS_MAX = 20_000;

/** Repeats what may be repeated, for as long as the registry only says "not now". */
export async function retrying<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const waitMs = retryDelayMs(error, attempt);
      if (waitMs === undefined) throw error;
      await pause(waitMs, signal);
    }
  }
}

/** How long to wait before trying again after this failure; undefined where that is useless. */
export function retryDelayMs(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof RegistryError) || !error.retryable || attempt >= ATTEMPTS_MAX) return undefined;
  const waitMs = Math.max(DELAY_MS_FIRST * 3 ** (attempt - 1), error.retryAfterMs ?? 0);
  return waitMs <= DELAY_MS_MAX ? waitMs : undefined;
}

export async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(waitMs, undefined, { signal });
  } catch {
    // Only the signal ends it early, and its reason is what callers wait for.
    signal.throwIfAborted();
  }
}
