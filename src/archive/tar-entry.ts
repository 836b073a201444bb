import { ArchiveError } from "./archive-error.ts";
import { baseName, cleanPath, joinPath, parentPath } from "./entry-path.ts";
import type { Entry, EntryKind } from "./entry.ts";
import type { ArchiveLimits } from "./limits.ts";
import { bytesOfPath, pathOfBytes } from "./path-bytes.ts";
import { parsePaxTime, type PaxRecords } from "./pax.ts";
import type { TarHeader } from "./tar-header.ts";

/** Marks in names of tar members (image-spec, layer.md "Whiteouts"). */
export const WHITEOUT_PREFIX = ".wh.";
export const OPAQUE_NAME = ".wh..wh..opq";
const AUFS_PREFIX = ".wh..wh.";

const XATTR_PREFIX = "SCHILY.xattr.";
const LIBARCHIVE_XATTR_PREFIX = "LIBARCHIVE.xattr.";
const SPARSE_PREFIX = "GNU.sparse.";
const MODE_BITS = 0o7777;
const NS_PER_S = 1_000_000_000n;

const KIND_OF_TYPEFLAG: Readonly<Record<string, EntryKind>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

/** All that is known of a member before its content. */
export interface RawMember {
  readonly header: TarHeader;
  readonly records: PaxRecords;
  readonly longName: string | undefined;
  readonly longLink: string | undefined;
}

/** What an archive is: in a layer, marks in names say what it hides; elsewhere they are names as any. */
export type ArchiveKind = "layer" | "files";

/** Undefined for the private notes of AUFS, which are no part of a layer. */
export function entryOf(raw: RawMember, archive: ArchiveKind, limits: ArchiveLimits): Entry | undefined {
  const { header, records } = raw;
  const name = textRecord(records, "path") ?? raw.longName ?? header.name;
  refuseSparse(name, raw);
  let kind = KIND_OF_TYPEFLAG[header.typeflag];
  if (kind === undefined) throw new ArchiveError("unsupported", `${name}: unknown type of member ${JSON.stringify(header.typeflag)}`);
  if (header.typeflag === "\0" && name.endsWith("/")) kind = "directory";
  const path = cleanPath(name);
  if (path === "" && kind !== "directory") throw new ArchiveError("corrupt", "a member that is no directory has no name");

  const named = nameMarks(kind, path, archive);
  if (named === undefined) return undefined;
  const linkname = linknameOf(named.kind, raw);
  refuseLong(named.path, limits);
  if (linkname !== undefined) refuseLong(linkname, { ...limits, nameBytesMax: limits.pathBytesMax, depthMax: limits.pathBytesMax });
  const xattrs = xattrsOf(records);
  return {
    path: named.path,
    kind: named.kind,
    mode: header.number("mode") & MODE_BITS,
    uid: ownerOf(name, "uid", raw),
    gid: ownerOf(name, "gid", raw),
    mtimeNs: timeOf(raw),
    sizeBytes: kind === "file" ? sizeOf(name, raw) : 0,
    ...(linkname === undefined ? {} : { linkname }),
    ...(kind === "char" || kind === "block" ? { device: { major: header.number("devmajor"), minor: header.number("devminor") } } : {}),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

/** What hides no name is refused in both: no layer could hold it, and what is unpacked goes into one. */
function nameMarks(kind: EntryKind, path: string, archive: ArchiveKind): { kind: EntryKind; path: string } | undefined {
  if (!path.includes(WHITEOUT_PREFIX)) return { kind, path };
  const base = baseName(path);
  const directory = parentPath(path);
  const isLayer = archive === "layer";
  if (isLayer && base === OPAQUE_NAME) return { kind: "opaque", path: directory };
  if (isLayer && path.split("/").some((component) => component.startsWith(AUFS_PREFIX))) return undefined;
  if (!base.startsWith(WHITEOUT_PREFIX)) return { kind, path };
  const hidden = base.slice(WHITEOUT_PREFIX.length);
  if (hidden === "" || hidden === "." || hidden === "..") throw new ArchiveError("unsafe-path", `${path}: hides no name`);
  return isLayer ? { kind: "whiteout", path: joinPath(directory, hidden) } : { kind, path };
}

function linknameOf(kind: EntryKind, { header, records, longLink }: RawMember): string | undefined {
  if (kind !== "symlink" && kind !== "hardlink") return undefined;
  const linkname = textRecord(records, "linkpath") ?? longLink ?? header.linkname;
  if (linkname === "") throw new ArchiveError("corrupt", `${header.name}: a link to nowhere`);
  return kind === "hardlink" ? cleanPath(linkname) : linkname;
}

function sizeOf(name: string, { header, records }: RawMember): number {
  const sizeBytes = numberRecord(records, "size") ?? header.number("size");
  if (sizeBytes < 0) throw new ArchiveError("corrupt", `${name}: negative size`);
  return sizeBytes;
}

/** The last number means "leave it" to chown(2), which would leave a file with whoever unpacks it. */
function ownerOf(name: string, field: "uid" | "gid", { header, records }: RawMember): number {
  const id = numberRecord(records, field) ?? header.number(field);
  if (id < 0 || id >= 0xffff_ffff) throw new ArchiveError("corrupt", `${name}: ${field} ${id} is out of range`);
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

function timeOf({ header, records }: RawMember): bigint {
  const record = records.get("mtime");
  return record === undefined || record.length === 0 ? BigInt(header.number("mtime")) * NS_PER_S : parsePaxTime(record);
}

function xattrsOf(records: PaxRecords): ReadonlyMap<string, Uint8Array> | undefined {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const [keyword, value] of records) {
    if (keyword.startsWith(XATTR_PREFIX)) {
      xattrs ??= new Map();
      xattrs.set(keyword.slice(XATTR_PREFIX.length), value);
    } else if (keyword.startsWith(LIBARCHIVE_XATTR_PREFIX)) {
      xattrs ??= new Map();
      const name = percentDecoded(keyword.slice(LIBARCHIVE_XATTR_PREFIX.length));
      // Where both are written, Schily's needs no decoding and is the one that others read.
      if (!records.has(XATTR_PREFIX + name)) xattrs.set(name, Buffer.from(value.toString("latin1"), "base64"));
    }
  }
  return xattrs;
}

function percentDecoded(name: string): string {
  return name.replaceAll(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function refuseSparse(name: string, { header, records }: RawMember): void {
  const isSparse = header.typeflag === "S" || records.keys().some((keyword) => keyword.startsWith(SPARSE_PREFIX));
  if (isSparse) throw new ArchiveError("unsupported", `${name}: sparse files are not supported; write the archive without --sparse`);
}

function textRecord(records: PaxRecords, keyword: string): string | undefined {
  const value = records.get(keyword);
  return value === undefined || value.length === 0 ? undefined : pathOfBytes(value);
}

function numberRecord(records: PaxRecords, keyword: string): number | undefined {
  const value = records.get(keyword)?.toString("latin1");
  if (value === undefined || value === "") return undefined;
  const number = /^-?[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new ArchiveError("corrupt", `malformed ${keyword} ${JSON.stringify(value)} in an extended header`);
  return number;
}
