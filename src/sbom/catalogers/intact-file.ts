import type { FileDigests, ScanTree } from "../scan-tree.ts";

/** A path as a data base lists it, and the digest it has for the content, in lower-case hex. */
export interface ListedFile {
  readonly path: string;
  readonly digest: { readonly algorithm: keyof FileDigests; readonly hex: string } | undefined;
}

/** The listed files that are in the tree, at their places there. */
export interface LocatedFiles {
  readonly paths: readonly string[];
  /** The first that still is what the package brought, and so came with it; where none is, the first that is there. */
  readonly intact: string | undefined;
}

export async function locateFiles(listed: readonly ListedFile[], tree: ScanTree, signal: AbortSignal): Promise<LocatedFiles> {
  const paths = new Set<string>();
  let intact: string | undefined;
  for (const { path, digest } of listed) {
    const file = tree.locate(path);
    if (file === undefined) continue;
    paths.add(file.path);
    if (intact === undefined && digest !== undefined && (await file.digests(signal))[digest.algorithm] === digest.hex) intact = file.path;
  }
  return { paths: [...paths], intact: intact ?? paths.values().next().value };
}
