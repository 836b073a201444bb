/** A thread of CompressThreads: one part after the other. */
import { parentPort } from "node:worker_threads";
import { compressPartSync } from "./compress-part.ts";
import type { FromCompressThread, ToCompressThread } from "./compress-threads.ts";

parentPort?.on("message", ({ part, room, form }: ToCompressThread) => {
  const compressed = compressPartSync(part, form);
  room.set(compressed);
  const done: FromCompressThread = { sizeBytes: compressed.byteLength };
  // Given back at once, and not when the garbage collector comes by, so that the next part's takes the same memory.
  compressed.buffer.transfer(0);
  parentPort?.postMessage(done);
});
