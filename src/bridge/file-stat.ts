import type { Entry } from "../archive/entry.ts";

/** One file as Go's programs see it: os.FileInfo. */
export interface FileStat {
  /** The last part of the path. */
  readonly path: string;
  /** Go's os.FileMode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: bigint;
  readonly modTime: bigint;
  readonly linkname: string;
  readonly devmajor: bigint;
  readonly devminor: bigint;
  readonly xattrs: Record<string, Uint8Array<ArrayBuffer>>;
}

/** Go's own bits for types and for what stands above the permissions. */
const GO_TYPE: Readonly<Record<Entry["kind"], number>> = {
  file: 0,
  hardlink: 0,
  whiteout: 0,
  opaque: 0,
  directory: 2 ** 31,
  symlink: 2 ** 27,
  block: 2 ** 26,
  char: 2 ** 26 + 2 ** 21,
  fifo: 2 ** 25,
};
const SPECIAL_BITS: ReadonlyArray<readonly [unix: number, go: number]> = [[0o4000, 2 ** 23], [0o2000, 2 ** 22], [0o1000, 2 ** 20]];

export function fileStat(name: string, entry: Entry): FileStat {
  return {
    path: name,
    mode: GO_TYPE[entry.kind] + SPECIAL_BITS.reduce((sum, [unix, go]) => sum + ((entry.mode & unix) === 0 ? 0 : go), entry.mode & 0o777),
    uid: entry.uid,
    gid: entry.gid,
    size: BigInt(entry.sizeBytes),
    modTime: entry.mtimeNs,
    linkname: entry.kind === "symlink" ? (entry.linkname ?? "") : "",
    devmajor: BigInt(entry.device?.major ?? 0),
    devminor: BigInt(entry.device?.minor ?? 0),
    xattrs: Object.fromEntries([...(entry.xattrs ?? [])].map(([key, value]) => [key, Uint8Array.from(value)])),
  };
}
