import type { Cataloger } from "../sbom/cataloger.ts";
import type { FoundPackage } from "../sbom/found-package.ts";
import { purlOf } from "../sbom/purl.ts";
import type { ScanTree } from "../sbom/scan-tree.ts";

export interface Catalog {
  readonly packages: readonly FoundPackage[];
  readonly warnings: readonly string[];
  /** Package-url → what it needs. */
  readonly needs: Readonly<Record<string, readonly string[]>>;
}

/** What one cataloger finds in a tree, in the order of package-urls. */
export async function catalog(cataloger: Cataloger, tree: ScanTree): Promise<Catalog> {
  const warnings: string[] = [];
  const files = [...tree.files.values()].filter((file) => cataloger.wants(file));
  const found = await cataloger.find(files, { tree, osRelease: undefined, warn: (message) => warnings.push(message) }, new AbortController().signal);
  const packages = found.toSorted((a, b) => (purlOf(a) < purlOf(b) ? -1 : 1));
  return { packages, warnings, needs: Object.fromEntries(packages.map((one) => [purlOf(one), one.dependencies.toSorted()])) };
}
