import type { ByteStream } from "./blob-store.ts";
import type { Digest } from "./digest.ts";

/** A blob while it is being made. Whoever reads it is as slow as it likes: the maker waits for nobody. */
export interface GrowingBlob {
  /** Undefined until it is whole. */
  readonly digest: Digest | undefined;
  /** True as soon as it has more bytes than that; false where it ends, whole or not, with so many or fewer. */
  exceeds(sizeBytes: number): Promise<boolean>;
  /** From its first byte, each as soon as it is there; ends with the blob. Throws what stopped its maker. May be opened again. Chunks are lent. */
  read(signal: AbortSignal): ByteStream;
}

/** Told of a blob when its making begins. */
export type OnGrowing = (blob: GrowingBlob) => void;
