import type { FoundPackage } from "./found-package.ts";
import type { ScanFile, ScanTree } from "./scan-tree.ts";

/** Finds the packages of one ecosystem. Reads what it asked for, and runs nothing. */
export interface Cataloger {
  /** `dpkg`, `npm-lock`, …: told in the document. */
  readonly name: string;
  /** Asked once for each file of the tree. */
  wants(file: ScanFile): boolean;
  /**
   * A file that is damaged or of an unknown form gives no package and one warning that names it: an image is not
   * refused for what lies in it.
   */
  find(files: readonly ScanFile[], context: CatalogContext, signal: AbortSignal): Promise<readonly FoundPackage[]>;
}

export interface CatalogContext {
  readonly tree: ScanTree;
  /** Of /etc/os-release, by key; undefined without one. */
  readonly osRelease: ReadonlyMap<string, string> | undefined;
  /** Told of what could not be read: one line, with the path. */
  readonly warn: (message: string) => void;
}
