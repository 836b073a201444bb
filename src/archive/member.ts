import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { Entry } from "./entry.ts";

/** An entry with its content, as it passes through. Content must be consumed, or skipped by going on, before the next member. */
export interface Member {
  readonly entry: Entry;
  /** Exactly `entry.sizeBytes` bytes; empty for all but files. Its chunks may be lent. */
  readonly content: ByteStream;
  /** Of the content, where that throws rather than end on other bytes: nobody has to hash it again. */
  readonly digest?: Digest;
  /** A directory of which no archive of the layer tells, and trees with it do: nothing but its time and attributes has changed. */
  readonly isUnsaid?: true;
}
