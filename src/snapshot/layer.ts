import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import { bytesOf, type BytesPart } from "../content/bytes.ts";
import type { DiffId, Digest } from "../content/digest.ts";

declare const layerBrand: unique symbol;

/** Names one layer of one store, whatever forms of it exist there. Not a digest: a layer may not have been serialised yet. */
export type LayerId = string & { readonly [layerBrand]: "LayerId" };

/** An image's layer is named after its diff id, so that it is found whoever fetched it first. */
export function imageLayerId(diffId: DiffId): LayerId {
  return diffId.replace(":", "-") as LayerId;
}

/** Content whose chunks are lent, and that throws rather than end on other bytes than its digest names. */
export interface PassingContent {
  readonly content: ByteStream;
  readonly digest: Digest;
}

/** The changes of one step on what lies below: what a layer's tar holds, without saying how it is kept. */
export interface Layer {
  readonly id: LayerId;
  /** In tar order: a parent before its children, a file before the hard links to it. Loaded once, then kept. */
  entries(signal: AbortSignal): Promise<readonly Entry[]>;
  /** Directories that the step left with another time or other attributes, and so as no tar tells it (BuildKit counts neither). Not there where there are none for sure. */
  unsaid?(signal: AbortSignal): Promise<readonly Entry[]>;
  /** The content of a `file` entry of this layer (not of a hard link: read the file that it shares). Who says that lent chunks will do may get them. */
  read(entry: Entry, signal: AbortSignal, chunks?: ChunkOwner): ByteStream;
  /** A part of that content, less where it ends before: what looks into a large file need not read all of it. */
  readPart(entry: Entry, part: BytesPart, signal: AbortSignal): ByteStream;
  /** The same for who only passes it on, with less work for both. Not there where the layer can do no better than `read`. */
  pass?(entry: Entry, signal: AbortSignal): Promise<PassingContent>;
  /** sha256 of that content; remembered, so that a second question reads nothing. */
  contentDigest(entry: Entry, signal: AbortSignal): Promise<Digest>;
}

/** Layers from the base up; together they are a tree. Empty is scratch. */
export type LayerChain = readonly Layer[];

export function unsaidMember(entry: Entry): Member {
  return { entry, content: bytesOf(), isUnsaid: true };
}

/** A layer as an archive of it would be read, and what that would not tell. */
export async function* membersOf(layer: Layer, signal: AbortSignal): AsyncIterable<Member> {
  for (const entry of await layer.entries(signal)) {
    yield { entry, content: entry.kind === "file" ? layer.read(entry, signal) : bytesOf() };
  }
  for (const entry of (await layer.unsaid?.(signal)) ?? []) yield unsaidMember(entry);
}
