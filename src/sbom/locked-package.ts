import type { FoundPackage, PackageType } from "./found-package.ts";
import { purlOf } from "./purl.ts";
import type { ScanFile } from "./scan-tree.ts";

/** What a lock file tells of one package. */
export interface LockedPackage {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly version: string | undefined;
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly licenses: readonly string[];
  /** Keys, within the lock file, of what it needs. Those that name nothing of the lock file say nothing. */
  readonly dependencies: readonly string[];
}

/** The packages of one lock file, by keys that only this file gives a meaning. */
export type LockedPackages = ReadonlyMap<string, LockedPackage>;

export type LockedAlone = Omit<LockedPackage, "dependencies">;

/** Keys that something leads to. */
export interface LockNeeds {
  readonly needed: readonly string[];
  /** What it runs without: for development, or where it can be installed, or where it is asked for. */
  readonly unneeded: readonly string[];
}

export interface LockNode extends LockNeeds {
  /** Undefined for what is not listed, but leads further: it is the project's own, or not for our system. */
  readonly locked: LockedAlone | undefined;
}

/**
 * The rule for lock files: a lock file says what is to be installed, not what is, so all that it lists is found
 * but for what only leads to packages that a program runs without (development, optional and other groups).
 * What no root leads to stays: nothing says that it is not needed.
 */
export function withoutUnneeded(nodes: ReadonlyMap<string, LockNode>, roots: LockNeeds): LockedPackages {
  const kept = reached(nodes, [roots.needed], ({ needed }) => [needed]);
  const dropped = reached(nodes, [roots.unneeded, ...nodes.values().map(({ unneeded }) => unneeded)], ({ needed, unneeded }) => [needed, unneeded]);
  const packages = new Map<string, LockedPackage>();
  for (const [key, { locked, needed }] of nodes) {
    if (locked !== undefined && (kept.has(key) || !dropped.has(key))) packages.set(key, { ...locked, dependencies: needed });
  }
  return packages;
}

function reached(nodes: ReadonlyMap<string, LockNode>, roots: Iterable<readonly string[]>, next: (node: LockNode) => ReadonlyArray<readonly string[]>): ReadonlySet<string> {
  const ahead = [...roots];
  const seen = new Set<string>();
  for (let keys = ahead.pop(); keys !== undefined; keys = ahead.pop()) {
    for (const key of keys) {
      const node = nodes.get(key);
      if (node === undefined || seen.has(key)) continue;
      seen.add(key);
      ahead.push(...next(node));
    }
  }
  return seen;
}

/** As found in `file`: each package once, however often the lock file has it. */
export function foundLocked(type: PackageType, file: ScanFile, packages: LockedPackages): FoundPackage[] {
  const purls = new Map(packages.entries().map(([key, one]) => [key, purlOf({ type, ...one })]));
  const needs = new Map<string, Set<string>>();
  const found = new Map<string, Omit<FoundPackage, "dependencies">>();
  for (const [key, { dependencies, ...locked }] of packages) {
    const purl = purls.get(key) ?? key;
    const met = needs.get(purl) ?? new Set();
    for (const other of dependencies) {
      const needed = purls.get(other);
      if (needed !== undefined && needed !== purl) met.add(needed);
    }
    needs.set(purl, met);
    if (found.has(purl)) continue;
    found.set(purl, { type, ...locked, supplier: undefined, homepage: undefined, evidence: [file.path], broughtBy: file.path, files: [] });
  }
  return [...found].map(([purl, one]) => ({ ...one, dependencies: [...(needs.get(purl) ?? [])] }));
}
