import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Digest } from "../content/digest.ts";

const NUMBER_BYTES = 4;
const SHA256_BYTES = 32;
const RECORD_BYTES = NUMBER_BYTES + SHA256_BYTES + 4;

/**
 * What is known of a layer's files: for an entry's number the sha256 of its content. Records are
 * only ever appended, each with a checksum; several processes may append at once, and half a record
 * that one of them left behind is passed over.
 */
export class ContentDigests {
  readonly #path: string;
  #known: Map<number, Buffer> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get(number: number): Digest | undefined {
    const sha256 = this.#load().get(number);
    // 64 characters of lower-case hex by construction.
    return sha256 === undefined ? undefined : (`sha256:${sha256.toString("hex")}` as Digest);
  }

  add(digests: ReadonlyMap<number, Buffer>): void {
    const known = this.#load();
    const fresh = [...digests].filter(([number]) => !known.has(number));
    if (fresh.length === 0) return;
    appendFileSync(this.#path, Buffer.concat(fresh.map(([number, sha256]) => recordOf(number, sha256))));
    for (const [number, sha256] of fresh) known.set(number, sha256);
  }

  #load(): Map<number, Buffer> {
    this.#known ??= parseRecords(existsSync(this.#path) ? readFileSync(this.#path) : Buffer.alloc(0));
    return this.#known;
  }
}

/** All at once, for a layer whose contents have just been written. */
export function writeContentDigests(path: string, digests: ReadonlyArray<Buffer | undefined>): void {
  const records = digests.flatMap((sha256, number) => (sha256 === undefined ? [] : [recordOf(number, sha256)]));
  writeFileSync(path, Buffer.concat(records), { flag: "wx" });
}

function recordOf(number: number, sha256: Buffer): Buffer {
  const record = Buffer.allocUnsafe(RECORD_BYTES);
  record.writeUInt32LE(number, 0);
  sha256.copy(record, NUMBER_BYTES);
  record.writeUInt32LE(crc32(record.subarray(0, RECORD_BYTES - 4)), RECORD_BYTES - 4);
  return record;
}

function parseRecords(bytes: Buffer): Map<number, Buffer> {
  const known = new Map<number, Buffer>();
  for (let at = 0; at + RECORD_BYTES <= bytes.length; ) {
    const record = bytes.subarray(at, at + RECORD_BYTES);
    const isWhole = crc32(record.subarray(0, RECORD_BYTES - 4)) === record.readUInt32LE(RECORD_BYTES - 4);
    if (isWhole) known.set(record.readUInt32LE(0), record.subarray(NUMBER_BYTES, NUMBER_BYTES + SHA256_BYTES));
    at += isWhole ? RECORD_BYTES : 1;
  }
  return known;
}
