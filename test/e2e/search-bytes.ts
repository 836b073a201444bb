import { gunzipSync, zstdDecompressSync } from "node:zlib";

/** Streams within streams: a layer in an archive, a Dockerfile in a statement, a configuration in that. */
const DEPTH_MAX = 5;
const BASE64 = /[A-Za-z0-9+/_-]{16,}={0,2}/g;
/** Texts are told apart by so many of their first characters. */
const KEY_LENGTH = 8;

/**
 * Finds texts in bytes, in one pass however many they are: as they are, percent-encoded, in JSON, within gzip or zstd wherever such a
 * stream begins, and within base64 at each of its alignments; in any of these within any other.
 */
export class ByteSearch {
  /** Whether a form begins with these two bytes: most places are none. */
  readonly #begins = new Uint8Array(0x1_00_00);
  readonly #texts = new Map<string, Array<{ readonly form: string; readonly text: string }>>();

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      for (const form of formsOf(text)) {
        const latin = Buffer.from(form).toString("latin1");
        const key = latin.slice(0, KEY_LENGTH);
        this.#begins[latin.charCodeAt(0) | (latin.charCodeAt(1) << 8)] = 1;
        this.#texts.set(key, [...(this.#texts.get(key) ?? []), { form: latin, text }]);
      }
    }
  }

  /** The texts that stand in the bytes. */
  in(bytes: Buffer): ReadonlySet<string> {
    const found = new Set<string>();
    this.#search(bytes, DEPTH_MAX, found);
    return found;
  }

  #search(bytes: Buffer, depth: number, found: Set<string>): void {
    const latin = bytes.toString("latin1");
    for (let at = 0; at + KEY_LENGTH <= latin.length; at++) {
      if (this.#begins[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] === 0) continue;
      for (const { form, text } of this.#texts.get(latin.slice(at, at + KEY_LENGTH)) ?? []) if (latin.startsWith(form, at)) found.add(text);
    }
    if (depth === 0) return;
    for (const inner of innerStreams(bytes, latin)) this.#search(inner, depth - 1, found);
  }
}

function formsOf(text: string): ReadonlySet<string> {
  return new Set([text, encodeURIComponent(text), encodeURIComponent(encodeURIComponent(text)), JSON.stringify(text).slice(1, -1)]);
}

function* innerStreams(bytes: Buffer, latin: string): Iterable<Buffer> {
  yield* streamsAt(bytes, Buffer.from([0x1f, 0x8b, 0x08]), gunzipSync);
  yield* streamsAt(bytes, Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), zstdDecompressSync);
  for (const [word] of latin.matchAll(BASE64)) for (let start = 0; start < 4; start++) yield Buffer.from(word.slice(start), "base64");
}

/** A stream is read from each place where one may begin; what follows it is another's. */
function* streamsAt(bytes: Buffer, magic: Buffer, open: (part: Buffer) => Buffer): Iterable<Buffer> {
  for (let at = bytes.indexOf(magic); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    try {
      yield open(bytes.subarray(at));
    } catch (error) {
      // Bytes that only look like the beginning of one.
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }
}
