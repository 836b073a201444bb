import { ArchiveError } from "./archive-error.ts";
import { baseName, cleanPath, joinPath, parentPath } from "./entry-path.ts";
import type { Entry, EntryKind } from "./entry.ts";
import type { ArchiveLimits } from "./limits.ts";
import { bytesOfPath, pathOfBytes } from "./path-bytes.ts";
import { parsePaxTime, type PaxRecords } from "./pax.ts";
import { sparseFormOf, sparseNameOf, sparseSizeOf } from "./sparse.ts";
import type { TarHeader } from "./tar-header.ts";

/** Marks in names of tar members (image-spec, layer.md "Whiteouts"). */
export const WHITEOUT_PREFIX = ".wh.";
export const OPAQUE_NAME = ".wh..wh..opq";
const AUFS_PREFIX = ".wh..wh.";

const XATTR_PREFIX = "SCHILY.xattr.";
const MODE_BITS = 0o7777;
const NS_PER_S = 1_000_000_000n;

const KIND_OF_TYPEFLAG: Readonly<Record<string, EntryKind>> = {
  "0": "file",
  S: "file",
  "\0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

const BARE_TYPEFLAGS: ReadonlySet<string> = new Set(["1", "2", "3", "4", "5", "6"]);

/** All that is known of a member before its content. */
export interface RawMember {
  readonly header: TarHeader;
  readonly records: PaxRecords;
  /** Of GNU's headers for them; "" without. */
  readonly longName: string;
  readonly longLink: string;
}

/** What an archive is: in a layer, marks in names say what it hides; elsewhere they are names as any. */
export type ArchiveKind = "layer" | "files";

/** The member's name, whichever header has it. */
export function nameOf(raw: RawMember): string {
  const { header, records } = raw;
  const form = sparseFormOf(header, records);
  const meant = form === undefined || form === "headers" ? undefined : sparseNameOf(records);
  return meant === undefined ? writtenNameOf(raw) : pathOfBytes(meant);
}

function writtenNameOf({ header, records, longName }: RawMember): string {
  return longName || (textRecord(records, "path") ?? header.name);
}

/** What of the archive is the member's: kinds that have no content may have a size all the same. */
export function contentBytesOf(raw: RawMember): number {
  const sizeBytes = numberRecord(raw.records, "size") ?? raw.header.number("size");
  if (BARE_TYPEFLAGS.has(raw.header.typeflag) || isOldDirectory(raw)) return 0;
  if (sizeBytes < 0) throw new ArchiveError("corrupt", `${nameOf(raw)}: negative size`);
  return sizeBytes;
}

/** How long the file is: longer than what of the archive is the member's, where zeros of it are left out. */
function fileBytesOf(raw: RawMember): number {
  const contentBytes = contentBytesOf(raw);
  const form = sparseFormOf(raw.header, raw.records);
  if (form === undefined) return contentBytes;
  if (BARE_TYPEFLAGS.has(raw.header.typeflag) || isOldDirectory(raw)) throw new ArchiveError("corrupt", `${nameOf(raw)}: what is no file cannot be sparse`);
  return sparseSizeOf(raw.header, raw.records, form) ?? contentBytes;
}

/** Old archives have no kind of their own for directories. */
function isOldDirectory(raw: RawMember): boolean {
  return raw.header.typeflag === "\0" && writtenNameOf(raw).endsWith("/");
}

function isDirectory(raw: RawMember): boolean {
  return raw.header.typeflag === "5" || isOldDirectory(raw);
}

/** Undefined for the private notes of AUFS, which are no part of a layer, and for what would be in the place of the root. */
export function entryOf(raw: RawMember, archive: ArchiveKind, limits: ArchiveLimits): Entry | undefined {
  const { header, records } = raw;
  const name = nameOf(raw);
  const sizeBytes = fileBytesOf(raw);
  const mtimeNs = timesOf(raw);
  const path = cleanPath(name);
  if (archive === "layer" && isNoteOfAufs(path)) return undefined;
  if (path === "" && !isDirectory(raw) && (archive === "layer" || !name.startsWith("/"))) return undefined;
  const kind = isOldDirectory(raw) ? "directory" : KIND_OF_TYPEFLAG[header.typeflag];
  if (kind === undefined) throw new ArchiveError("unsupported", `${name}: unknown type of member ${JSON.stringify(header.typeflag)}`);
  if (path === "" && kind !== "directory") throw new ArchiveError("unsafe-path", "a member that is no directory has no name");

  const named = nameMarks(kind, path, archive);
  const linkname = linknameOf(named.kind, raw);
  refuseLong(named.path, limits);
  if (linkname !== undefined) refuseLong(linkname, { ...limits, nameBytesMax: limits.pathBytesMax, depthMax: limits.pathBytesMax });
  const xattrs = xattrsOf(name, records);
  return {
    path: named.path,
    kind: named.kind,
    mode: header.number("mode") & MODE_BITS,
    uid: ownerOf(name, "uid", raw),
    gid: ownerOf(name, "gid", raw),
    mtimeNs,
    sizeBytes,
    ...(linkname === undefined ? {} : { linkname }),
    ...(kind === "char" || kind === "block" ? { device: { major: header.number("devmajor"), minor: header.number("devminor") } } : {}),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

function isNoteOfAufs(path: string): boolean {
  return path.includes(AUFS_PREFIX) && baseName(path) !== OPAQUE_NAME && path.split("/").some((component) => component.startsWith(AUFS_PREFIX));
}

/** What hides no name is refused in both: no layer could hold it, and what is unpacked goes into one. */
function nameMarks(kind: EntryKind, path: string, archive: ArchiveKind): { kind: EntryKind; path: string } {
  if (!path.includes(WHITEOUT_PREFIX)) return { kind, path };
  const base = baseName(path);
  const directory = parentPath(path);
  const isLayer = archive === "layer";
  if (isLayer && base === OPAQUE_NAME) return { kind: "opaque", path: directory };
  if (!base.startsWith(WHITEOUT_PREFIX)) return { kind, path };
  const hidden = base.slice(WHITEOUT_PREFIX.length);
  if (hidden === "" || hidden === "." || hidden === "..") throw new ArchiveError("unsafe-path", `${path}: hides no name`);
  return isLayer ? { kind: "whiteout", path: joinPath(directory, hidden) } : { kind, path };
}

function linknameOf(kind: EntryKind, { header, records, longLink }: RawMember): string | undefined {
  if (kind !== "symlink" && kind !== "hardlink") return undefined;
  const linkname = longLink || (textRecord(records, "linkpath") ?? header.linkname);
  if (linkname === "") throw new ArchiveError("unsafe-path", `${header.name}: a link to nowhere`);
  return kind === "hardlink" ? cleanPath(linkname) : linkname;
}

/** The last number means "leave it" to chown(2), which would leave a file with whoever unpacks it. */
function ownerOf(name: string, field: "uid" | "gid", { header, records }: RawMember): number {
  const id = numberRecord(records, field) ?? header.number(field);
  if (id < 0 || id >= 0xffff_ffff) throw new ArchiveError("unsupported", `${name}: ${field} ${id} is out of range`);
  return id;
}

/** No system call could take such names, and trees are walked level by level. */
function refuseLong(path: string, limits: ArchiveLimits): void {
  // A character is one to three bytes in UTF-8; most names need no closer look.
  if (path.length * 3 <= limits.nameBytesMax) return;
  const components = path.split("/");
  const shown = `${path.slice(0, 100)}…`;
  if (bytesOfPath(path).length > limits.pathBytesMax) throw new ArchiveError("too-large", `${shown}: a name of more than ${limits.pathBytesMax} bytes`);
  if (components.length > limits.depthMax) throw new ArchiveError("too-large", `${shown}: more than ${limits.depthMax} directories deep`);
  if (components.some((component) => bytesOfPath(component).length > limits.nameBytesMax)) throw new ArchiveError("too-large", `${shown}: a part of a name of more than ${limits.nameBytesMax} bytes`);
}

/** Of the times that a member may have one counts, and all must be times. */
function timesOf({ header, records }: RawMember): bigint {
  const [mtime] = ["mtime", "atime", "ctime"].map((keyword) => {
    const record = records.get(keyword);
    return record === undefined || record.length === 0 ? undefined : parsePaxTime(record);
  });
  return mtime ?? BigInt(header.number("mtime")) * NS_PER_S;
}

function xattrsOf(name: string, records: PaxRecords): ReadonlyMap<string, Uint8Array> | undefined {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const [keyword, value] of records) {
    if (!keyword.startsWith(XATTR_PREFIX)) continue;
    const xattr = keyword.slice(XATTR_PREFIX.length);
    // No file system takes one.
    if (xattr === "") throw new ArchiveError("unsupported", `${name}: an extended attribute without a name`);
    xattrs ??= new Map();
    xattrs.set(xattr, value);
  }
  return xattrs;
}

function textRecord(records: PaxRecords, keyword: string): string | undefined {
  const value = records.get(keyword);
  return value === undefined || value.length === 0 ? undefined : pathOfBytes(value);
}

function numberRecord(records: PaxRecords, keyword: string): number | undefined {
  const value = records.get(keyword)?.toString("latin1");
  if (value === undefined || value === "") return undefined;
  const number = /^[+-]?[0-9]+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new ArchiveError("corrupt", `malformed ${keyword} ${JSON.stringify(value)} in an extended header`);
  return number;
}
