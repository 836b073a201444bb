import { open, readFile } from "node:fs/promises";
import type { Entry, EntryKind } from "../archive/entry.ts";
import { LayerStoreError } from "./layer-store-error.ts";
import { TimeSlice } from "../content/time-slice.ts";

/** Raised whenever older versions could not read what is written. */
const INDEX_VERSION = 1;

/** Entries of one line: a line is parsed in one go, which takes well under a millisecond. */
const ENTRIES_PER_LINE = 256;

/** The first line is far shorter. */
const SUMMARY_BYTES_MAX = 4096;

const NS_PER_S = 1_000_000_000n;

/** The numbers of the kinds in the file: append, never reorder. */
const KINDS: readonly EntryKind[] = ["file", "directory", "symlink", "hardlink", "char", "block", "fifo", "whiteout", "opaque"];

/** What is known of a layer without loading its entries. */
export interface LayerSummary {
  readonly form: "tar" | "directory";
  readonly entries: number;
  /** Some directory has children here but no entry of its own: lower layers say what it is like. */
  readonly impliesDirectories: boolean;
  /** The root directory has an entry. */
  readonly saysRoot: boolean;
  /** Something of lower layers is taken away. */
  readonly hasWhiteouts: boolean;
  /** Bytes of the files' contents. */
  readonly contentBytes: number;
  /** Length of the archive; 0 in directory form. */
  readonly tarBytes: number;
}

export interface LayerIndex extends Omit<LayerSummary, "entries"> {
  readonly entries: readonly Entry[];
  /** For each entry, where its content begins in the archive; 0 where it has none. */
  readonly offsets: readonly number[];
}

type Row = readonly [
  path: string, kind: number, mode: number, uid: number, gid: number, mtime: number | string, sizeBytes: number, offset: number,
  linkname?: string | null, device?: readonly [number, number] | null, xattrs?: ReadonlyArray<readonly [string, string]> | null,
];

/** Writes an index: one line of summary, then lines of entries as JSON, quick to parse and easy to look into. */
export async function writeIndex(path: string, index: LayerIndex, signal: AbortSignal): Promise<void> {
  await using file = await open(path, "wx");

  const slice = new TimeSlice();
  await file.write(`${JSON.stringify({ version: INDEX_VERSION, ...summaryOf(index) })}\n`);
  for (let at = 0; at < index.entries.length; at += ENTRIES_PER_LINE) {
    const rows = index.entries.slice(at, at + ENTRIES_PER_LINE).map((entry, offset) => rowOf(entry, index.offsets[at + offset] ?? 0));
    await file.write(`${JSON.stringify(rows)}\n`);
    if (slice.isSpent) await slice.renew(signal);
  }
}

export async function readIndex(path: string, signal: AbortSignal): Promise<LayerIndex> {
  const bytes = await readFile(path, { signal });
  const entries: Entry[] = [];
  const offsets: number[] = [];
  const slice = new TimeSlice();
  let at = bytes.indexOf("\n") + 1;
  const summary = parseSummary(bytes.toString("utf8", 0, at), path);
  for (let end = bytes.indexOf("\n", at); end >= 0; end = bytes.indexOf("\n", at)) {
    // Written by writeIndex, appeared by rename: whole or not at all.
    for (const row of parsed(bytes.toString("utf8", at, end), path) as readonly Row[]) {
      entries.push(entryOfRow(row));
      offsets.push(row[7]);
    }
    at = end + 1;
    if (slice.isSpent) await slice.renew(signal);
  }
  if (summary.entries !== entries.length) throw new LayerStoreError("damaged-layer", `${path}: ends too early`);
  return { ...summary, entries, offsets };
}

export async function readSummary(path: string): Promise<LayerSummary> {
  await using file = await open(path, "r");

  const { buffer, bytesRead } = await file.read(Buffer.alloc(SUMMARY_BYTES_MAX), 0, SUMMARY_BYTES_MAX, 0);
  const end = buffer.indexOf("\n");
  return parseSummary(buffer.toString("utf8", 0, end < 0 ? bytesRead : end), path);
}

export function summaryOf(index: LayerIndex): LayerSummary {
  const { form, entries, impliesDirectories, saysRoot, hasWhiteouts, contentBytes, tarBytes } = index;
  return { form, entries: entries.length, impliesDirectories, saysRoot, hasWhiteouts, contentBytes, tarBytes };
}

function parseSummary(line: string, path: string): LayerSummary {
  const { version, ...summary } = parsed(line, path) as LayerSummary & { version: number };
  if (version !== INDEX_VERSION) throw new LayerStoreError("newer-state", `${path}: index of version ${version}; upgrade, or use another --root`);
  return summary;
}

function parsed(line: string, path: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new LayerStoreError("damaged-layer", `${path}: was damaged on the disk; \`stemma fsck --repair\` takes it away, and the next build makes it anew`, { cause: error });
  }
}

function rowOf(entry: Entry, offset: number): Row {
  const { path, kind, mode, uid, gid, mtimeNs, sizeBytes, linkname, device, xattrs } = entry;
  const mtime = mtimeNs % NS_PER_S === 0n ? Number(mtimeNs / NS_PER_S) : mtimeNs.toString();
  const row: Row = [path, KINDS.indexOf(kind), mode, uid, gid, mtime, sizeBytes, offset];
  if (linkname === undefined && device === undefined && xattrs === undefined) return row;
  return [
    ...row.slice(0, 8), linkname ?? null, device === undefined ? null : [device.major, device.minor],
    xattrs === undefined ? null : Array.from(xattrs, ([name, value]) => [name, Buffer.from(value).toString("base64")]),
  ] as unknown as Row; // The compiler loses the tuple in the spread.
}

function entryOfRow(row: Row): Entry {
  const [path, kind, mode, uid, gid, mtime, sizeBytes, , linkname, device, xattrs] = row;
  const mtimeNs = typeof mtime === "number" ? BigInt(mtime) * NS_PER_S : BigInt(mtime);
  // Numbers of kinds are only ever written out of KINDS.
  const plain = { path, kind: KINDS[kind] as EntryKind, mode, uid, gid, mtimeNs, sizeBytes };
  if (row.length === 8) return plain;
  return {
    ...plain,
    ...(linkname === null || linkname === undefined ? {} : { linkname }),
    ...(device === null || device === undefined ? {} : { device: { major: device[0], minor: device[1] } }),
    ...(xattrs === null || xattrs === undefined ? {} : { xattrs: new Map(xattrs.map(([name, value]) => [name, Buffer.from(value, "base64")])) }),
  };
}
