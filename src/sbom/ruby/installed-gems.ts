import { basename, dirname } from "node:path/posix";
import { TimeSlice } from "../../content/time-slice.ts";
import type { CatalogContext } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import { purlOf } from "../purl.ts";
import { parseFiles } from "../read-file.ts";
import type { ScanFile, ScanTree } from "../scan-tree.ts";
import { parseGemspec, type Gemspec } from "./gemspec.ts";

const SPECIFICATION = /(?:^|\/)specifications\/(?:default\/)?[^/]+\.gemspec$/;
const GEMS = "gems/";

export function isSpecification(path: string): boolean {
  return SPECIFICATION.test(path);
}

interface Installed {
  readonly spec: Gemspec;
  /** Where the gems lie that are found together. */
  readonly root: string;
  readonly found: FoundPackage;
}

/** Gems that RubyGems or Bundler installed, and those that came with Ruby. */
export async function installedGems(files: readonly ScanFile[], context: CatalogContext, signal: AbortSignal): Promise<FoundPackage[]> {
  const installed: Installed[] = [];
  for await (const { file, parsed } of parseFiles(files, parseGemspec, context, signal)) {
    const folder = dirname(file.path);
    installed.push({ spec: parsed, root: dirname(basename(folder) === "default" ? dirname(folder) : folder), found: foundGem(file, parsed) });
  }
  const owned = await filesByFolder(context.tree, new Set(installed.map(folderOf)), signal);
  const named = Map.groupBy(installed, ({ root, spec }) => `${root}\0${spec.name}`);
  return installed.map((one) => ({
    ...one.found,
    files: [one.found.broughtBy, ...(owned.get(folderOf(one)) ?? [])].toSorted(),
    dependencies: one.spec.dependencies.flatMap((name) => onlyOne(named.get(`${one.root}\0${name}`))),
  }));
}

/** Which of several versions is loaded is decided when a program runs. */
function onlyOne(candidates: readonly Installed[] | undefined): string[] {
  const purls = new Set(candidates?.map(({ found }) => purlOf(found)));
  return purls.size === 1 ? [...purls] : [];
}

function folderOf({ root, found }: Installed): string {
  return `${root === "." ? "" : `${root}/`}${GEMS}${basename(found.broughtBy, ".gemspec")}`;
}

function foundGem(file: ScanFile, { name, version, platform, licenses, authors, homepage }: Gemspec): FoundPackage {
  return {
    type: "gem",
    namespace: undefined,
    name,
    version,
    qualifiers: platform === undefined ? {} : { platform },
    licenses,
    supplier: authors.length === 0 ? undefined : authors.join(", "),
    homepage,
    evidence: [file.path],
    broughtBy: file.path,
    files: [],
    dependencies: [],
  };
}

/** A gem may have gems in it: the outermost folder is the one that was installed. */
async function filesByFolder(tree: ScanTree, folders: ReadonlySet<string>, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
  const owned = new Map<string, string[]>();
  const slice = new TimeSlice();
  for (const path of tree.files.keys()) {
    if (slice.isSpent) await slice.renew(signal);
    for (let at = path.indexOf(GEMS); at >= 0; at = path.indexOf(GEMS, at + 1)) {
      const folder = path.slice(0, path.indexOf("/", at + GEMS.length));
      if (!folders.has(folder)) continue;
      const files = owned.get(folder);
      if (files === undefined) owned.set(folder, [path]);
      else files.push(path);
      break;
    }
  }
  return owned;
}
