import type { Entry, EntryKind } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { Layer } from "../snapshot/layer.ts";

const TAR_BYTES_MAX = 1024 * 1024;
const SOME_TIME_NS = 1_500_000_000_000_000_000n;

export async function* members(...all: readonly Member[]): AsyncIterable<Member> {
  yield* all;
}

export function file(path: string, text: string, more: Partial<Entry> = {}): Member {
  const bytes = Buffer.from(text);
  return { entry: entryOf(path, "file", { sizeBytes: bytes.length, mode: 0o644, ...more }), content: bytesOf(bytes) };
}

export function directory(path: string, more: Partial<Entry> = {}): Member {
  return { entry: entryOf(path, "directory", { mode: 0o755, ...more }), content: bytesOf() };
}

export function symlink(path: string, linkname: string, more: Partial<Entry> = {}): Member {
  return { entry: entryOf(path, "symlink", { mode: 0o777, linkname, ...more }), content: bytesOf() };
}

export function hardLink(path: string, linkname: string, more: Partial<Entry> = {}): Member {
  return { entry: entryOf(path, "hardlink", { mode: 0o644, linkname, ...more }), content: bytesOf() };
}

export function special(path: string, kind: "char" | "block" | "fifo", device?: Entry["device"], more: Partial<Entry> = {}): Member {
  return { entry: entryOf(path, kind, { mode: 0o644, ...(device === undefined ? {} : { device }), ...more }), content: bytesOf() };
}

export function whiteout(path: string): Member {
  return { entry: entryOf(path, "whiteout", { mode: 0, mtimeNs: 0n }), content: bytesOf() };
}

export function opaque(path: string): Member {
  return { entry: entryOf(path, "opaque", { mode: 0, mtimeNs: 0n }), content: bytesOf() };
}

/** A layer that came with an image. */
export async function imageLayer(store: LayerStore, ...all: readonly Member[]): Promise<Layer> {
  const tar = await collectBytes(writeTar(members(...all)), TAR_BYTES_MAX);
  // The digest of an uncompressed tar is a diff id by definition.
  return await store.importTar(digestOf(tar) as string as DiffId, bytesOf(tar), new AbortController().signal);
}

/** One line for each entry, times left out. */
export async function textOf(layer: Layer | undefined): Promise<string> {
  const entries = (await layer?.entries(new AbortController().signal)) ?? [];
  return entries.map((entry) => {
    const { kind, mode, uid, gid, path, sizeBytes, linkname, device, xattrs } = entry;
    const attributes = Array.from(xattrs ?? [], ([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`);
    return [
      kind, mode.toString(8), `${uid}:${gid}`, ...(kind === "file" ? [sizeBytes] : []), path, ...(linkname === undefined ? [] : ["->", linkname]),
      ...(device === undefined ? [] : [`${device.major},${device.minor}`]), ...(attributes.length === 0 ? [] : [`{${attributes.join(" ")}}`]),
    ].join(" ") + "\n";
  }).join("");
}

function entryOf(path: string, kind: EntryKind, more: Partial<Entry>): Entry {
  return { path, kind, mode: 0, uid: 0, gid: 0, mtimeNs: SOME_TIME_NS, sizeBytes: 0, ...more };
}
