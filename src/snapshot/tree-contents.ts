import type { Digest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { TreeNode } from "./tree-node.ts";

/** Files hashed at a time: enough to keep two cores and a disk busy. */
const DIGESTS_IN_FLIGHT_MAX = 8;

/** The content digests of the files among `nodes`, keyed by the entry that holds each content. */
export async function contentDigests(nodes: Iterable<TreeNode>, signal: AbortSignal): Promise<ReadonlyMap<object, Digest>> {
  const digests = new Map<object, Digest>();
  const files = filesOf(nodes);
  // A digest that is known takes no waiting.
  const slice = new TimeSlice();
  const work = async (): Promise<void> => {
    // One iterator is shared by all workers: each takes the next file that nobody has taken.
    for (const { layer, stored } of files) {
      signal.throwIfAborted();
      if (slice.isSpent) await slice.renew(signal);
      digests.set(stored, await layer.contentDigest(stored, signal));
    }
  };
  await Promise.all(Array.from({ length: DIGESTS_IN_FLIGHT_MAX }, work));
  return digests;
}

/** Each content once, however many names it has. */
function* filesOf(nodes: Iterable<TreeNode>): Generator<TreeNode> {
  const seen = new Set<object>();
  for (const node of nodes) {
    if (node.entry.kind !== "file" || seen.has(node.stored)) continue;
    seen.add(node.stored);
    yield node;
  }
}

/** Extended attributes that belong to a file rather than to the machine that it lies on, sorted by name. */
export function portableXattrs(xattrs: ReadonlyMap<string, Uint8Array> | undefined): ReadonlyArray<readonly [name: string, hex: string]> {
  return Array.from(xattrs ?? [])
    .filter(([name]) => name === "security.capability" || !/^(security|system)\./.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, Buffer.from(value).toString("hex")]);
}
