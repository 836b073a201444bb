import { mkdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

const MiB = 1024 * 1024;
const FILES_IN_DIRECTORY = 100;

/** Files of one size in directories of a hundred, below `directory`. */
export function fillFiles(directory: string, count: number, sizeBytes: number): void {
  for (let i = 0; i < count; i++) {
    const folder = join(directory, String(Math.floor(i / FILES_IN_DIRECTORY)));
    if (i % FILES_IN_DIRECTORY === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, String(i)), fillerOf(i, sizeBytes));
  }
}

export async function fillBig(path: string, sizeMiB: number): Promise<void> {
  for (let i = 0; i < sizeMiB; i++) await writeFile(path, fillerOf(i, MiB), { flag: i === 0 ? "w" : "a" });
}

/** Half noise, half text, so that compression has its usual work; the same in each run. */
function fillerOf(seed: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, `file ${seed} of the benchmark, `);
  let state = (seed + 1) * 2654435761;
  for (let i = 0; i < sizeBytes; i += 2) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
