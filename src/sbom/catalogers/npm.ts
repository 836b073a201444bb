import { dirname, join } from "node:path/posix";
import type { CatalogContext, Cataloger } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import { foundLocked, type LockedPackages } from "../locked-package.ts";
import { installedPackages, isInstalledManifest } from "../npm/installed-packages.ts";
import { parsePackageLock } from "../npm/package-lock.ts";
import { lockedByPnpm } from "../npm/pnpm-lock.ts";
import { berryWorkspaces, lockedByYarnBerry } from "../npm/yarn-berry.ts";
import { parseYarnClassic } from "../npm/yarn-classic.ts";
import { lockedByYarnClassic } from "../npm/yarn-lock.ts";
import { yamlParser } from "../parse-structured.ts";
import { parseJson } from "../parse-text.ts";
import { member } from "../../content/parsed-value.ts";
import { purlOf } from "../purl.ts";
import { parseFile } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";

const LOCK = /(?:^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml)$/;
/** What lies in a package is about how that package was made, and not about what it needs here. */
const IN_PACKAGE = /(?:^|\/)node_modules\//;
const BERRY = /^__metadata:/m;

/**
 * Packages of npm, Yarn and pnpm: those that are installed, and those that a lock file lists and that are not installed below it.
 * Which of a lock file are left out: see `withoutUnneeded`.
 */
export const npm: Cataloger = {
  name: "npm",
  wants: ({ path }) => isInstalledManifest(path) || (LOCK.test(path) && !IN_PACKAGE.test(path)),

  async find(files, context, signal) {
    const installed = await installedPackages(files.filter(({ path }) => isInstalledManifest(path)), context, signal);
    const found = [installed];
    for (const lock of files.filter(({ path }) => LOCK.test(path) && !isOverridden(path, context))) {
      const packages = await readLock(lock, context, signal);
      if (packages !== undefined) found.push(notInstalled(foundLocked("npm", lock, packages), installed, dirname(lock.path)));
    }
    return found.flat();
  },
};

/** npm reads no other lock file where there is a shrinkwrap. */
function isOverridden(path: string, { tree }: CatalogContext): boolean {
  return path.endsWith("package-lock.json") && tree.files.has(join(dirname(path), "npm-shrinkwrap.json"));
}

function notInstalled(locked: readonly FoundPackage[], installed: readonly FoundPackage[], folder: string): FoundPackage[] {
  const here = installed.filter(({ broughtBy }) => folder === "." || broughtBy.startsWith(`${folder}/`));
  const purls = new Set(here.map((one) => purlOf({ ...one, qualifiers: {} })));
  return locked.filter((one) => !purls.has(purlOf({ ...one, qualifiers: {} })));
}

/** Undefined for what was told to `context` instead. */
async function readLock(lock: ScanFile, context: CatalogContext, signal: AbortSignal): Promise<LockedPackages | undefined> {
  if (lock.path.endsWith(".json")) return await parseFile(lock, parsePackageLock, context, signal);
  const parseYaml = await yamlParser();
  if (lock.path.endsWith(".yaml")) return await parseFile(lock, (bytes) => lockedByPnpm(parseYaml(bytes)), context, signal);
  const parseYarn = (bytes: Buffer) => (BERRY.test(bytes.toString("utf8")) ? { berry: parseYaml(bytes).at(0) } : { classic: parseYarnClassic(bytes) });
  const yarn = await parseFile(lock, parseYarn, context, signal);
  if (yarn === undefined) return undefined;
  const manifests = await readManifests(dirname(lock.path), yarn.berry === undefined ? undefined : berryWorkspaces(yarn.berry), context, signal);
  return yarn.classic === undefined ? lockedByYarnBerry(yarn.berry, manifests) : lockedByYarnClassic(yarn.classic, [...manifests.values()]);
}

/** Those in `folders` below `root`. Where no folders are named: the root's, and with workspaces all that lie below it. */
async function readManifests(root: string, folders: readonly string[] | undefined, context: CatalogContext, signal: AbortSignal): Promise<ReadonlyMap<string, unknown>> {
  const manifests = new Map<string, unknown>();
  const read = async (folder: string): Promise<void> => {
    const file = context.tree.files.get(join(root, folder, "package.json"));
    if (file !== undefined) manifests.set(folder, await parseFile(file, parseJson, context, signal));
  };
  for (const folder of folders ?? ["."]) await read(folder);
  if (folders !== undefined || member(manifests.get("."), "workspaces") === undefined) return manifests;
  const prefix = root === "." ? "" : `${root}/`;
  const below = [...context.tree.files.keys()].filter((path) => path.startsWith(prefix) && path.endsWith("/package.json") && !IN_PACKAGE.test(path));
  for (const path of below) await read(dirname(path.slice(prefix.length)));
  return manifests;
}
