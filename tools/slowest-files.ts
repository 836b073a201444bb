/** A reporter of node:test: at the end, which files took longest; those that share a process, together. */
import { basename, relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

const SHOWN = 10;

export default async function* slowestFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tookMs = new Map<string, number>();
  for await (const event of events) {
    if (event.type === "test:summary" && event.data.file !== undefined) tookMs.set(named(event.data.file), event.data.duration_ms);
  }
  const slowest = [...tookMs].toSorted(([, a], [, b]) => b - a).slice(0, SHOWN);
  yield `the slowest files:\n${slowest.map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}\n`).join("")}`;
}

function named(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? basename(file, ".mjs") : path;
}
