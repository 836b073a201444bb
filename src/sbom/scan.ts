import { TimeSlice } from "../content/time-slice.ts";
import type { CatalogContext, Cataloger } from "./cataloger.ts";
import type { FoundPackage } from "./found-package.ts";
import { readOsRelease, type OsRelease } from "./os-release.ts";
import { purlOf } from "./purl.ts";
import { compareBytes, type ScanFile, type ScanTree } from "./scan-tree.ts";

export interface ScannedPackage extends FoundPackage {
  /** Name of the cataloger that found it. */
  readonly cataloger: string;
}

export interface ScanResult {
  readonly osRelease: OsRelease | undefined;
  /** By package-url, then by where they were found: equal trees give equal lists. */
  readonly packages: readonly ScannedPackage[];
  /** What could not be read, one line each. */
  readonly warnings: readonly string[];
}

/** Asks each cataloger what it finds. Reads only the files that one of them wants, and runs nothing of the tree. */
export async function scanTree(tree: ScanTree, catalogers: readonly Cataloger[], signal: AbortSignal): Promise<ScanResult> {
  const warnings = new Set<string>();
  const warn = (message: string): void => void warnings.add(message.replaceAll(/\s+/g, " "));
  const osRelease = await readOsRelease(tree, warn, signal);
  const context: CatalogContext = { tree, osRelease: osRelease?.values, warn };
  const wanted = await wantedFiles(tree, catalogers, signal);
  const packages: ScannedPackage[][] = [];
  for (const [cataloger, files] of wanted) {
    if (files.length === 0) continue;
    const found = await cataloger.find(files, context, signal);
    packages.push(found.map((one) => ({ ...one, cataloger: cataloger.name })));
  }
  return { osRelease, packages: sorted(packages.flat()), warnings: [...warnings] };
}

async function wantedFiles(tree: ScanTree, catalogers: readonly Cataloger[], signal: AbortSignal): Promise<ReadonlyMap<Cataloger, ScanFile[]>> {
  const wanted = new Map<Cataloger, ScanFile[]>(catalogers.map((cataloger) => [cataloger, []]));
  const slice = new TimeSlice();
  for (const file of tree.files.values()) {
    for (const [cataloger, files] of wanted) if (cataloger.wants(file)) files.push(file);
    if (slice.isSpent) await slice.renew(signal);
  }
  return wanted;
}

function sorted(packages: readonly ScannedPackage[]): readonly ScannedPackage[] {
  const keyed = packages.map((one) => ({ one, key: [purlOf(one), one.evidence[0], one.cataloger].join("\0") }));
  return keyed.toSorted((a, b) => compareBytes(a.key, b.key)).map(({ one }) => one);
}
