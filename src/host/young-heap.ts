import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Of both halves of the space that new objects are put into. Node's own bound is eight times that, and buys no time (measured). */
const YOUNG_BYTES_MAX = 16 * 1024 * 1024;
const LOOK_MS = 50;

/**
 * Keeps the space for new objects from growing further once it has this size: of tens of thousands of files much survives at
 * first, and V8 would give them 128 MiB that it does not take back. It doubles seldom; a program that has begun can only end
 * that, and not set a bound. For a process that is ours.
 */
export function boundYoungHeap(): void {
  const timer = setInterval(() => {
    const sizeBytes = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
    if (sizeBytes < YOUNG_BYTES_MAX) return;
    setFlagsFromString("--semi-space-growth-factor=1");
    clearInterval(timer);
  }, LOOK_MS);
  timer.unref();
}
