import type { Entry } from "../archive/entry.ts";
import { bytesOf } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import type { Layer, LayerId } from "./layer.ts";
import type { TreeNode } from "./tree-node.ts";

/**
 * A name in a tree with all that lies under it. Trees share places: a change goes through
 * `ownedBy`, which copies a directory that somebody else may still be looking at.
 */
export class Place implements TreeNode {
  readonly entry: Entry;
  readonly layer: Layer;
  readonly stored: Entry;
  /** Equal for all names of one file, and for those only. */
  readonly identity: object;
  /** Undefined for all but directories. */
  readonly children: Map<string, Place> | undefined;
  readonly #owner: object;

  constructor(node: TreeNode, identity: object, owner: object, children: Map<string, Place> = new Map()) {
    this.entry = node.entry;
    this.layer = node.layer;
    this.stored = node.stored;
    this.identity = identity;
    this.#owner = owner;
    this.children = node.entry.kind === "directory" ? children : undefined;
  }

  /** This directory where `owner` made it, else a copy that is theirs to change. */
  ownedBy(owner: object): Place {
    return this.#owner === owner ? this : new Place(this, this.identity, owner, new Map(this.children));
  }

  /** The same with another entry, to stand in its place. What lies in a directory stays, and is copied only where somebody else may be looking at it. */
  withEntry(node: TreeNode, owner: object): Place {
    return new Place(node, this.identity, owner, this.ownedBy(owner).children);
  }
}

/** Where entries that no layer holds come from: the root of scratch, and what is made in memory without content. */
export const NO_LAYER: Layer = {
  // No store's: ids name layers that a store has.
  id: "" as LayerId,
  entries: async () => [],
  read: () => bytesOf(),
  readPart: () => bytesOf(),
  contentDigest: async () => digestOf(new Uint8Array()),
};

const bare = new WeakSet<Entry>();

/** A directory that nothing describes: BuildKit's defaults, and the oldest time there is, until somebody asks for its own. */
export function bareDirectory(path: string): Entry {
  const entry: Entry = { path, kind: "directory", mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0 };
  bare.add(entry);
  return entry;
}

/** True where the time is nobody's: on a disk such a directory is as new as what it was made in. */
export function isBare(entry: Entry): boolean {
  return bare.has(entry);
}

/** The root of a tree without layers. */
export function emptyRoot(owner: object): Place {
  const entry = bareDirectory("");
  return new Place({ entry, layer: NO_LAYER, stored: entry }, entry, owner);
}
