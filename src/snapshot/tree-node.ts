import type { Entry } from "../archive/entry.ts";
import type { Layer } from "./layer.ts";

/** One place in a merged tree: the entry that wins there, and the layer that it came from. */
export interface TreeNode {
  /** For a hard link: the entry of the file that it shares, under this node's own path. */
  readonly entry: Entry;
  readonly layer: Layer;
  /** The entry as the layer holds it, to be given to `layer.read`. */
  readonly stored: Entry;
}
