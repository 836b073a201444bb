import type { ByteStream } from "../content/blob-store.ts";
import type { Entry } from "./entry.ts";

/** An entry with its content, as it passes through. Content must be consumed, or skipped by going on, before the next member. */
export interface Member {
  readonly entry: Entry;
  /** Exactly `entry.sizeBytes` bytes; empty for all but files. */
  readonly content: ByteStream;
}
