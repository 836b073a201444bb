import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import { inParts } from "../content/in-parts.ts";
import { compressPart, type PartForm } from "./compress-part.ts";
import { borrowCompressThreads, COMPRESS_THREADS_MAX, ThreadSlot, type CompressThreads } from "./compress-threads.ts";

/**
 * What all long streams together hold of parts and of what they become, but for the two parts without which one would not go on. Of large parts,
 * as zstd's, that is four for one stream: more threads would wait for the one that hashes.
 */
const MEMORY_BYTES_MAX = 32 * 1024 * 1024;

/** One that is filled, and one that is compressed meanwhile. */
const SLOTS_MIN = 2;

/** Streams that are shorter end before threads of ours would have begun: they take those of Node's pool. */
const POOL_BYTES_MAX = 16 * 1024 * 1024;

export interface PartsForm extends PartForm {
  readonly partBytes: number;
}

/** Memory for one part at a time, and who compresses it. */
interface Slot {
  readonly part: Buffer;
  /** The first so many bytes of the part. What it returns is the slot's again with the next part. */
  readonly compress: (sizeBytes: number) => Promise<Uint8Array>;
}

interface Compressing {
  readonly slot: Slot;
  readonly compressed: Promise<Uint8Array>;
}

/**
 * What each part becomes, in order, with as many under way as there are threads that run at a time, and one to come. Parts are cut at
 * fixed distances from the start, wherever the chunks of the source end, so that they are the same however the bytes arrive and
 * however many threads there are. `onPart` sees each before it is compressed.
 */
export async function* compressedParts(bytes: ByteStream, form: PartsForm, chunks: ChunkOwner, onPart: (part: Buffer) => void): ByteStream {
  using slots = new Slots(form);
  const inFlight: Compressing[] = [];
  try {
    for await (const { slot, sizeBytes } of filled(bytes, slots)) {
      onPart(slot.part.subarray(0, sizeBytes));
      inFlight.push({ slot, compressed: heardLater(slot.compress(sizeBytes)) });
      // Another stream may have begun meanwhile, which halves the count.
      while (inFlight.length >= slots.count) yield* finished(inFlight, slots, chunks);
    }
    while (inFlight.length > 0) yield* finished(inFlight, slots, chunks);
  } finally {
    // Whoever stops early leaves work on the threads, whose failure nobody would hear.
    await Promise.allSettled(inFlight.map(({ compressed }) => compressed));
  }
}

/** It may fail before its turn comes, while nobody listens. */
function heardLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Of the first, which stays among those under way until it has ended. */
async function* finished(inFlight: Compressing[], slots: Slots, chunks: ChunkOwner): ByteStream {
  const [first] = inFlight;
  if (first === undefined) throw new RangeError("nothing is in flight");
  const compressed = await first.compressed;
  inFlight.shift();
  yield chunks === "lent" ? compressed : Buffer.from(compressed);
  slots.giveBack(first.slot);
}

/** The slots of one stream, used again and again: parts that wait for the garbage collector may take several times the memory of those that are needed. */
class Slots implements Disposable {
  readonly #form: PartsForm;
  readonly #spare: Slot[] = [];
  #threads: CompressThreads | undefined;
  #takenBytes = 0;
  #made = 0;

  constructor(form: PartsForm) {
    this.#form = form;
  }

  /** How many there may be now. */
  get count(): number {
    const streams = this.#threads?.borrowers ?? 1;
    return Math.max(SLOTS_MIN, Math.min(COMPRESS_THREADS_MAX + 1, Math.floor(MEMORY_BYTES_MAX / (2 * this.#form.partBytes * streams))));
  }

  take(): Slot {
    const { partBytes } = this.#form;
    if (this.#threads === undefined && this.#takenBytes >= POOL_BYTES_MAX) {
      this.#threads = borrowCompressThreads();
      this.#made -= this.#spare.splice(0).length;
    }
    this.#takenBytes += partBytes;
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    this.#made += 1;
    return this.#threads === undefined ? poolSlot(this.#form) : new ThreadSlot(this.#threads, partBytes, this.#form);
  }

  giveBack(slot: Slot): void {
    const isOfUse = this.#threads === undefined || slot instanceof ThreadSlot;
    if (isOfUse && this.#made <= this.count) this.#spare.push(slot);
    else this.#made -= 1;
  }

  [Symbol.dispose](): void {
    this.#threads?.giveBack();
  }
}

function poolSlot(form: PartsForm): Slot {
  const part = Buffer.allocUnsafe(form.partBytes);
  return { part, compress: (sizeBytes) => compressPart(part.subarray(0, sizeBytes), form) };
}

interface FilledSlot {
  readonly slot: Slot;
  readonly sizeBytes: number;
}

async function* filled(bytes: ByteStream, slots: Slots): AsyncIterable<FilledSlot> {
  let slot = slots.take();
  for await (const { byteLength } of inParts(bytes, () => slot.part)) {
    yield { slot, sizeBytes: byteLength };
    slot = slots.take();
  }
}
