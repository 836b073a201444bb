/** The types of package-url that we find; `generic` is what belongs to no ecosystem. */
export type PackageType = "deb" | "apk" | "rpm" | "npm" | "pypi" | "golang" | "maven" | "cargo" | "gem" | "generic";

/** A package as one cataloger found it. */
export interface FoundPackage {
  readonly type: PackageType;
  /** As package-url has it: `debian`, `@scope`, a Maven group; undefined where the type has none. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** As the ecosystem writes it; undefined where the source does not tell, which is said and not guessed. */
  readonly version: string | undefined;
  /** Of the package-url: `arch`, `distro`, `epoch`, `upstream`. */
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly subpath?: string;
  /** What the package declares, as written: expressions, names, or free text. */
  readonly licenses: readonly string[];
  /** Who made or maintains it, as written. */
  readonly supplier: string | undefined;
  /** Where that is told apart from the supplier: who the supplier took it from, as written. */
  readonly originator?: string;
  readonly homepage: string | undefined;
  /** Files that tell of the package: where it was found. Never empty. */
  readonly evidence: readonly [string, ...string[]];
  /** The file whose layer brought the package: one of its own, and not a data base that each step writes anew. */
  readonly broughtBy: string;
  /** Paths of the files that the package installed and that are in the tree. */
  readonly files: readonly string[];
  /** Package-urls, or names within the same ecosystem and the same evidence, of what it needs. */
  readonly dependencies: readonly string[];
}
