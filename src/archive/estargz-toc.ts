import { createHash } from "node:crypto";
import { digestOf } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import { rfc3339Nano } from "../content/timestamp.ts";
import type { Entry, EntryKind } from "./entry.ts";
import { tarName } from "./tar-writer.ts";

/** Names of kinds in the table; marks of what is taken away are files there, as in the archive. */
const TYPES: Readonly<Record<EntryKind, string>> = {
  file: "reg", directory: "dir", symlink: "symlink", hardlink: "hardlink", char: "char", block: "block", fifo: "fifo", whiteout: "reg", opaque: "reg",
};

const SECOND_NS = 1_000_000_000n;

/** One piece of a content, and where its gzip member begins. */
export interface TocChunk {
  readonly offsetBytes: number;
  readonly bytes: Buffer;
  /** As long as one may be. */
  readonly isWhole: boolean;
}

export interface TocFile {
  chunk(chunk: TocChunk): void;
  /** After the last one. */
  end(): void;
}

/** Gathers the table of contents (stargz-snapshotter, docs/estargz.md, "TOC, TOCEntries and Footer") as BuildKit writes it: each entry as text at once, since a layer has many. */
export class TocWriter {
  readonly #entries: string[] = [];

  add(entry: Entry): void {
    this.#push({ ...described(entry), ...(TYPES[entry.kind] === "reg" ? { digest: DIGEST_OF_NOTHING } : {}) });
  }

  file(entry: Entry): TocFile {
    const whole = createHash("sha256");
    const chunks: Array<Pick<TocEntry, "offset" | "chunkOffset" | "chunkSize" | "chunkDigest">> = [];
    let seenBytes = 0;
    return {
      chunk({ offsetBytes, bytes, isWhole }) {
        whole.update(bytes);
        chunks.push({ offset: offsetBytes, chunkOffset: seenBytes, ...(isWhole ? { chunkSize: bytes.byteLength } : {}), chunkDigest: digestOf(bytes) });
        seenBytes += bytes.byteLength;
      },
      end: () => {
        const first = { ...described(entry), size: entry.sizeBytes, digest: `sha256:${whole.digest("hex")}` };
        for (const [at, chunk] of chunks.entries()) this.#push({ ...(at === 0 ? first : { name: tarName(entry), type: "chunk" }), ...chunk });
      },
    };
  }

  bytes(): Buffer {
    return Buffer.from(`{\n\t"version": 1,\n\t"entries": ${this.#entries.length === 0 ? "null" : `[\n\t\t${this.#entries.join(",\n\t\t")}\n\t]`}\n}`);
  }

  #push(entry: TocEntry): void {
    const said = MEMBERS.flatMap((name) => (entry[name] === undefined || entry[name] === 0 ? [] : [[name, entry[name]] as const]));
    this.#entries.push(goJson(Object.fromEntries(said), "\t").replaceAll("\n", "\n\t\t"));
  }
}

interface TocEntry {
  readonly name: string;
  readonly type: string;
  readonly size?: number;
  readonly modtime?: string;
  readonly linkName?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly offset?: number;
  readonly devMajor?: number;
  readonly devMinor?: number;
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly digest?: string;
  readonly chunkOffset?: number;
  readonly chunkSize?: number;
  readonly chunkDigest?: string;
}

/** In the order of the format's own writer, which leaves out what is nothing. */
const MEMBERS = ["name", "type", "size", "modtime", "linkName", "mode", "uid", "gid", "offset", "devMajor", "devMinor", "xattrs", "digest", "chunkOffset", "chunkSize", "chunkDigest"] as const;
const DIGEST_OF_NOTHING = digestOf(Buffer.alloc(0));

function described(entry: Entry): TocEntry {
  const { kind, linkname, mode, uid, gid, device, xattrs } = entry;
  return {
    name: tarName(entry),
    type: TYPES[kind],
    ...modtimeOf(entry),
    ...(linkname === undefined ? {} : { linkName: linkname }),
    mode, uid, gid,
    ...(device === undefined ? {} : { devMajor: device.major, devMinor: device.minor }),
    ...(xattrs === undefined || xattrs.size === 0 ? {} : { xattrs: Object.fromEntries(Array.from(xattrs, ([name, value]) => [name, Buffer.from(value).toString("base64")] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))) }),
  };
}

/** To the nearest second; none in the first one of 1970. */
function modtimeOf({ mtimeNs }: Entry): Pick<TocEntry, "modtime"> {
  if (mtimeNs >= 0n && mtimeNs < SECOND_NS) return {};
  const up = mtimeNs + SECOND_NS / 2n;
  const beyond = up % SECOND_NS;
  return { modtime: rfc3339Nano(up - (beyond < 0n ? beyond + SECOND_NS : beyond)) };
}
