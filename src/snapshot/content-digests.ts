import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { Digest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";

const SHA256_BYTES = 32;
const SLOT_BYTES = SHA256_BYTES + 4;

/**
 * What is known of a layer's files: for an entry's number the sha256 of its content, in a slot of its
 * own with a checksum. Several processes may fill slots at once; one that is empty, or half written,
 * is a digest that nobody knows yet.
 */
export class ContentDigests {
  readonly #path: string;
  readonly #learnt: Map<number, Buffer> = new Map();
  #slots: Buffer | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get(number: number): Digest | undefined {
    const sha256 = this.#learnt.get(number) ?? this.#stored(number);
    // 64 characters of lower-case hex by construction.
    return sha256 === undefined ? undefined : (`sha256:${sha256.toString("hex")}` as Digest);
  }

  add(digests: ReadonlyMap<number, Buffer>): void {
    const fresh = [...digests].filter(([number]) => this.get(number) === undefined);
    if (fresh.length === 0) return;
    const fd = openSync(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o644);
    try {
      for (const [number, sha256] of fresh) {
        writeSync(fd, slotOf(sha256), 0, SLOT_BYTES, number * SLOT_BYTES);
        this.#learnt.set(number, sha256);
      }
    } finally {
      closeSync(fd);
    }
  }

  #stored(number: number): Buffer | undefined {
    this.#slots ??= existsSync(this.#path) ? readFileSync(this.#path) : Buffer.alloc(0);
    const slot = this.#slots.subarray(number * SLOT_BYTES, (number + 1) * SLOT_BYTES);
    if (slot.length < SLOT_BYTES) return undefined;
    const sha256 = slot.subarray(0, SHA256_BYTES);
    // An empty slot is no digest: the checksum of zeros is not zero.
    return crc32(sha256) === slot.readUInt32LE(SHA256_BYTES) ? sha256 : undefined;
  }
}

/** All at once, for a layer whose contents have just been written. */
export async function writeContentDigests(path: string, digests: ReadonlyArray<Buffer | undefined>, signal: AbortSignal): Promise<void> {
  const slots = Buffer.alloc(digests.length * SLOT_BYTES);
  const slice = new TimeSlice();
  for (const [number, sha256] of digests.entries()) {
    if (sha256 !== undefined) fillSlot(slots.subarray(number * SLOT_BYTES), sha256);
    if (slice.isSpent) await slice.renew(signal);
  }
  await writeFile(path, slots, { flag: "wx", signal });
}

function slotOf(sha256: Buffer): Buffer {
  const slot = Buffer.allocUnsafe(SLOT_BYTES);
  fillSlot(slot, sha256);
  return slot;
}

function fillSlot(slot: Buffer, sha256: Buffer): void {
  sha256.copy(slot);
  slot.writeUInt32LE(crc32(sha256), SHA256_BYTES);
}
