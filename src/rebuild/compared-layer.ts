import type { Entry } from "../archive/entry.ts";
import type { Digest, DiffId } from "../content/digest.ts";

/** What an archive holds, as far as a comparison asks: nothing is read but what two sides do not already agree on. */
export interface Listing {
  /** As they stand in the archive, in its order. */
  entries(signal: AbortSignal): Promise<readonly Entry[]>;
  /** sha256 of the content of a `file` entry. */
  contentDigest(entry: Entry, signal: AbortSignal): Promise<Digest>;
}

/** One layer of an image, by the names of its bytes and by what its archive holds. */
export interface ComparedLayer extends Listing {
  readonly diffId: DiffId;
  /** Of the bytes as stored: compressed. */
  readonly blob: Digest;
}
