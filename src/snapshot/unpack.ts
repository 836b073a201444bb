import { closeSync, constants, copyFileSync, openSync, readSync, write } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Entry } from "../archive/entry.ts";
import { fileSystemPath } from "../archive/path-bytes.ts";
import { CorruptBlobError } from "../content/blob-store.ts";
import { writeAll } from "../host/write-all.ts";
import { readRange } from "./file-bytes.ts";
import type { LayerIndex } from "./layer-index.ts";
import type { StoredLayer } from "./stored-layer.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { TreeWriter } from "./tree-writer.ts";

const writeAsync = promisify(write);

/** What is read of an archive at once; many small files lie in one window. */
const WINDOW_BYTES = 1024 * 1024;

/** Larger files are copied off the event loop. */
const SMALL_BYTES = 1024 * 1024;

/** Writes a layer as overlayfs wants it: whiteouts as devices, opaque directories marked. */
export async function unpackAsLower(layer: StoredLayer, writer: TreeWriter, signal: AbortSignal): Promise<void> {
  const index = await layer.index(signal);
  await putAll(layer, index, { writer, isKept: () => true, isOver: false }, signal);
}

/** Lays a layer over what is there already: what it takes away is taken away. */
export async function applyOver(layer: StoredLayer, writer: TreeWriter, signal: AbortSignal): Promise<void> {
  const index = await layer.index(signal);
  // What a layer takes away are lower layers' files, never its own, wherever in the layer the marks stand.
  for (const { kind, path } of index.entries) {
    if (kind === "whiteout") writer.remove(path);
    else if (kind === "opaque") writer.empty(path);
  }
  await putAll(layer, index, { writer, isKept: ({ kind }) => kind !== "whiteout" && kind !== "opaque", isOver: true }, signal);
}

interface Target {
  readonly writer: TreeWriter;
  readonly isKept: (entry: Entry) => boolean;
  /** Whether what lower layers hold is there. */
  readonly isOver: boolean;
}

async function putAll(layer: StoredLayer, index: LayerIndex, { writer, isKept, isOver }: Target, signal: AbortSignal): Promise<void> {
  const copy = index.form === "tar" ? copyFromArchive(layer, index) : copyFromTree(layer);
  const slice = new TimeSlice();
  for (const [number, entry] of index.entries.entries()) {
    if (!isKept(entry)) continue;
    if (entry.kind === "file") {
      const copying = copy(entry, number, writer.place(entry), signal);
      if (copying !== undefined) await copying;
    }
    writer.put(entry);
    if (slice.isSpent) await slice.renew(signal);
  }
  for (const entry of await layer.unsaid(signal)) {
    if (entry.kind !== "hardlink") writer.put(entry);
    else if (isOver) writer.linkAlike(entry);
  }
  await writer.finish(signal);
}

type CopyContent = (entry: Entry, number: number, target: string | Buffer, signal: AbortSignal) => Promise<void> | undefined;

function copyFromArchive(layer: StoredLayer, index: LayerIndex): CopyContent {
  const archive = layer.tarFd();
  const window = { buffer: Buffer.allocUnsafe(WINDOW_BYTES), start: 0, end: 0 };
  /** Files come in the order of the archive, so that a window serves many. */
  const inWindow = (entry: Entry, offset: number): Buffer => {
    if (offset < window.start || offset + entry.sizeBytes > window.end) {
      window.start = offset;
      window.end = offset + readSync(archive, window.buffer, 0, WINDOW_BYTES, offset);
      if (offset + entry.sizeBytes > window.end) throw new CorruptBlobError(`${entry.path}: the archive of layer ${layer.id} ends before it`, "damaged");
    }
    return window.buffer.subarray(offset - window.start, offset - window.start + entry.sizeBytes);
  };
  return (entry, number, target, signal) => {
    const fd = openSync(target, "wx", 0o600);
    const offsetBytes = index.offsets[number] ?? 0;
    if (entry.sizeBytes > SMALL_BYTES) return copyLarge(fd, { fd: archive, offsetBytes, sizeBytes: entry.sizeBytes, name: entry.path }, signal);
    try {
      if (entry.sizeBytes > 0) writeAll(fd, inWindow(entry, offsetBytes));
    } finally {
      closeSync(fd);
    }
    return undefined;
  };
}

async function copyLarge(fd: number, range: Parameters<typeof readRange>[0], signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of readRange(range, signal)) {
      for (let at = 0; at < chunk.byteLength; ) at += (await writeAsync(fd, chunk, at)).bytesWritten;
    }
  } finally {
    closeSync(fd);
  }
}

/** Shares blocks where the file system can. */
function copyFromTree(layer: StoredLayer): CopyContent {
  const mode = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
  return (entry, _number, target) => {
    const source = fileSystemPath(join(layer.path("tree"), entry.path));
    if (entry.sizeBytes > SMALL_BYTES) return copyFile(source, target, mode);
    copyFileSync(source, target, mode);
    return undefined;
  };
}
