import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import type { Sighting } from "../host/directory-scout.ts";
import type { Walked } from "../host/scout-memory.ts";
import type { EntryKind } from "../archive/entry.ts";

/** Which part of a client's directory a build asks for: the attributes of BuildKit's local source. */
export interface LocalSelection {
  /** Paths that are followed with the symbolic links on their way; undefined is everything. */
  readonly followPaths: readonly string[] | undefined;
  readonly includePatterns: readonly string[];
  /** Patterns of an ignore file, in its order, negations included. */
  readonly excludePatterns: readonly string[];
}

/** What a client tells of one of its files. */
export interface LocalEntry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly sizeBytes: number;
  readonly linkname?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
  /**
   * Changes whenever the content may have changed, on this machine (device, inode, size, mtime, ctime).
   * Lets a digest be remembered; is no identity. Undefined when the client cannot tell, or the times are too young to trust.
   */
  readonly validator: string | undefined;
}

/** A directory that the client lends to a build. */
export interface LocalDirectory {
  /** Sorted by path component, parents first. `looked` is told at the end what was looked at. */
  walk(selection: LocalSelection, signal: AbortSignal, looked?: (walked: Walked) => void): AsyncIterable<LocalEntry>;
  /** What was seen when the build began, by somebody who looked ahead at what a walk with this selection looks at. */
  sighting?(selection: LocalSelection, signal: AbortSignal): Promise<Sighting | undefined>;
  /** Chunks are kept by whoever asks unless it says that they are lent. */
  read(path: string, signal: AbortSignal, chunks?: ChunkOwner): ByteStream;
}

/** What a client lends for the length of one build. All local input comes through here, also in the embedded engine. */
export interface Session {
  readonly id: string;
  /** Undefined when the client lends no directory of that name. */
  directory(name: string): LocalDirectory | undefined;
  /** Undefined when the client has no such secret. */
  secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Path of a socket at which an ssh agent listens for as long as the build runs; undefined when the client lends none of that id. */
  agent(id: string, signal: AbortSignal): Promise<string | undefined>;
}
