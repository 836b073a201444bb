/** What an entry of a layer is. `whiteout` and `opaque` take away what lower layers hold (image-spec, layer.md). */
export type EntryKind = "file" | "directory" | "symlink" | "hardlink" | "char" | "block" | "fifo" | "whiteout" | "opaque";

/**
 * One entry of a layer, with all that a tar header and its PAX records can say of it.
 *
 * `path` has no leading and no trailing slash and is relative to the root, which itself is "".
 * A whiteout's path is the path that it hides, an opaque marker's the directory whose lower
 * content it hides; the `.wh.` names exist in tar files only.
 */
export interface Entry {
  readonly path: string;
  readonly kind: EntryKind;
  /** Permission bits with set-user-id, set-group-id and sticky: 0o7777 at most. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Content of a file in bytes; 0 for all else. */
  readonly sizeBytes: number;
  /** Target of a symbolic link as written, or path (as `path`) of the file that a hard link shares. */
  readonly linkname?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Extended attributes by full name (`security.capability`); values are bytes, not text. */
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
  /** Made of one whose header was extended for its time: Go's archive/tar then extends it for a long name too, where ustar would do. */
  readonly wasExtended?: true;
}
