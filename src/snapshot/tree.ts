import type { Layer, LayerChain } from "./layer.ts";
import { mergeLayer } from "./tree-merge.ts";
import { emptyRoot, type Place } from "./tree-place.ts";
import { TreeView } from "./tree-view.ts";

/** Trees by their top layer: a build asks for nearly the same chains again and again. */
const opened = new WeakMap<Layer, Tree>();

/**
 * The merged view of a chain of layers, in memory and never changed: what a mount of the chain would
 * show, without mounting, and without reading any content.
 */
export class Tree extends TreeView {
  readonly chain: LayerChain;
  override readonly root: Place;

  private constructor(chain: LayerChain, root: Place) {
    super();
    this.chain = chain;
    this.root = root;
  }

  static async open(chain: LayerChain, signal: AbortSignal): Promise<Tree> {
    const top = chain.at(-1);
    if (top === undefined) return new Tree([], emptyRoot({}));
    const known = opened.get(top);
    if (known !== undefined && isSameChain(known.chain, chain)) return known;
    const below = await Tree.open(chain.slice(0, -1), signal);
    const tree = await below.with(top, signal);
    opened.set(top, tree);
    return tree;
  }

  /** This tree with one more layer on top. Costs what the layer touches, not what the tree holds. */
  async with(layer: Layer, signal: AbortSignal): Promise<Tree> {
    return new Tree([...this.chain, layer], await mergeLayer(this.root, layer, signal));
  }
}

function isSameChain(a: LayerChain, b: LayerChain): boolean {
  return a.length === b.length && a.every((layer, i) => layer === b[i]);
}
