import type { AssembledCache } from "../cache/assemble-cache.ts";
import type { Digest } from "../content/digest.ts";
import type { CacheForm } from "./plan-cache.ts";

/** What the blobs of a cache are called while they are written, in BuildKit's words, each once. */
export class WrittenBlobs {
  readonly #root: CacheForm["root"];
  readonly #told = new Set<Digest>();
  /** Known once the layers are: until then there is nothing but layers. */
  assembled: Pick<AssembledCache, "root" | "config"> | undefined;

  constructor(root: CacheForm["root"]) {
    this.#root = root;
  }

  title(digest: Digest): string {
    this.#told.add(digest);
    if (digest === this.assembled?.root.digest) return `writing cache ${this.#root === "manifest" ? "image manifest" : "manifest"} ${digest}`;
    return `writing ${digest === this.assembled?.config.digest ? "config" : "layer"} ${digest}`;
  }

  /** Of those that are there, and that nothing was told of: the place had them already. */
  titlesOfRest({ layers, config, root }: Pick<AssembledCache, "layers" | "config" | "root">): readonly string[] {
    return [...layers, config, root].flatMap(({ digest }) => (this.#told.has(digest) ? [] : [this.title(digest)]));
  }
}
