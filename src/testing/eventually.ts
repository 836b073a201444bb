import { setTimeout as delay } from "node:timers/promises";

const LOOK_MS = 10;
/** Only what would never be so takes that long, on however busy a machine. */
const WAIT_MS_MAX = 120_000;

/** Looks until it is so. Throws with `what` where it does not come to that: who waits for ever tells nobody what for, and keeps the file from its end. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${WAIT_MS_MAX / 1000} s`);
    await delay(LOOK_MS);
  }
}
