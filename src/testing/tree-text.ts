import type { Entry, EntryKind } from "../archive/entry.ts";
import type { Layer } from "../snapshot/layer.ts";
import { memoryLayer } from "./memory-layer-store.ts";

const KINDS: Readonly<Record<string, EntryKind>> = { d: "directory", f: "file", l: "symlink", h: "hardlink", c: "char", b: "block", p: "fifo", w: "whiteout", o: "opaque" };
const LETTERS: ReadonlyMap<EntryKind, string> = new Map(Object.entries(KINDS).map(([letter, kind]) => [kind, letter]));

/**
 * A layer from one line for each entry: `kind mode owner path`, then `-> target` or `= content`.
 * For example `f 644 0:0 etc/motd = hello`.
 */
export function layerOf(id: string, lines: readonly string[], mtimeNs: bigint = 1_000_000_000n): Layer {
  const contents = new Map<string, Uint8Array>();
  const entries = lines.map((line) => {
    const [, letter = "", mode = "0", uid = "0", gid = "0", path = "", , operator, value = ""] =
      /^(\w) (\d+) (\d+):(\d+) (\S*)( (->|=) ([^]*))?$/.exec(line) ?? [];
    const kind = KINDS[letter];
    if (kind === undefined) throw new RangeError(`cannot read ${JSON.stringify(line)}`);
    const content = Buffer.from(operator === "=" ? value : "");
    if (kind === "file") contents.set(path, content);
    const entry: Entry = {
      path, kind, mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid), mtimeNs,
      sizeBytes: kind === "file" ? content.byteLength : 0, ...(operator === "->" ? { linkname: value } : {}),
      ...(kind === "char" || kind === "block" ? { device: { major: 1, minor: 3 } } : {}),
    };
    return entry;
  });
  return memoryLayer(id, entries, contents);
}

/** The same lines, without content. */
export function describeEntry(entry: Entry): string {
  const link = entry.linkname === undefined ? "" : ` -> ${entry.linkname}`;
  return `${LETTERS.get(entry.kind) ?? "?"} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.path}${link}`;
}
