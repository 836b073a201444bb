/** What stands in a commit for a file that git-lfs keeps elsewhere. */
export interface LfsPointer {
  /** Hexadecimal, of the file's content. */
  readonly sha256: string;
  readonly sizeBytes: bigint;
}

/** A pointer is shorter by its specification (github.com/git-lfs/git-lfs, docs/spec.md). */
export const LFS_POINTER_BYTES_MAX = 1024;

const POINTER = /^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\/v1\noid sha256:([0-9a-f]{64})\nsize (\d{1,19})\n?$/;

/** Undefined for what is no pointer, and for one with extensions, which name other programs. */
export function parseLfsPointer(blob: Buffer): LfsPointer | undefined {
  const [, sha256, size] = POINTER.exec(blob.toString("latin1")) ?? [];
  return sha256 === undefined || size === undefined ? undefined : { sha256, sizeBytes: BigInt(size) };
}
