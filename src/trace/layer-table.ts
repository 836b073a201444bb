import { decompress } from "../archive/decompress.ts";
import type { EntryKind } from "../archive/entry.ts";
import { readTar } from "../archive/tar-reader.ts";
import type { ByteStream } from "../content/blob-store.ts";

/** What a layer holds, without the contents. */
export interface LayerTable {
  readonly entries: ReadonlyMap<string, LayerEntry>;
  /** Paths that it takes away. */
  readonly whiteouts: ReadonlySet<string>;
  /** Directories whose lower content it hides. */
  readonly opaques: ReadonlySet<string>;
}

export interface LayerEntry {
  readonly kind: Exclude<EntryKind, "whiteout" | "opaque">;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly linkname: string | undefined;
}

/** Reads a layer to its end, so that its digest has been checked when this returns. Throws ArchiveError. */
export async function readLayerTable(bytes: ByteStream): Promise<LayerTable> {
  const entries = new Map<string, LayerEntry>();
  const whiteouts = new Set<string>();
  const opaques = new Set<string>();
  for await (const { entry } of readTar(decompress(bytes))) {
    const { path, kind, mode, sizeBytes, linkname } = entry;
    if (kind === "whiteout") whiteouts.add(path);
    else if (kind === "opaque") opaques.add(path);
    else entries.set(path, { kind, mode, sizeBytes, linkname });
  }
  return { entries, whiteouts, opaques };
}
