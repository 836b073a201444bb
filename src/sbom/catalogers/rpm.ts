import { TimeSlice } from "../../content/time-slice.ts";
import type { CatalogContext, Cataloger } from "../cataloger.ts";
import { distroQualifier, osNamespace } from "../os-namespace.ts";
import { DamagedFileError, parseFile, unlessDamaged } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";
import { sqliteFile } from "../sqlite-file.ts";
import { tableRows } from "../sqlite-table.ts";
import { locateFiles } from "./intact-file.ts";
import { withMetDependencies, type Related } from "./met-dependencies.ts";
import { parseRpmHeader } from "./rpm-header.ts";
import { parseRpmPackage, type RpmPackage } from "./rpm-package.ts";

/** Where distributions have it; /var/lib/rpm is a link to the second in those that have the second. */
const FOLDERS = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];
const DATABASE = "rpmdb.sqlite";
const UNREAD: ReadonlyMap<string, string> = new Map([
  ["Packages", "Berkeley DB"], ["Packages.db", "ndb"],
]);
const PATHS: ReadonlySet<string> = new Set(FOLDERS.flatMap((folder) => [DATABASE, ...UNREAD.keys()].map((name) => `${folder}/${name}`)));

/** Packages of Fedora, its kin, and others that use RPM, of the data base that RPM keeps with SQLite. */
export const rpm: Cataloger = {
  name: "rpm",
  wants: ({ path }) => PATHS.has(path),

  async find(files, context, signal) {
    const related: Related[] = [];
    for (const file of files) {
      if (file.path.endsWith(`/${DATABASE}`)) related.push(...(await databasePackages(file, context, signal)));
      else warnOfUnread(file.path, context);
    }
    return withMetDependencies(related);
  },
};

function warnOfUnread(path: string, { tree, warn }: CatalogContext): void {
  const [folder, name] = [path.slice(0, path.lastIndexOf("/")), path.slice(path.lastIndexOf("/") + 1)];
  // Left behind where RPM went over to SQLite.
  if (tree.files.has(`${folder}/${DATABASE}`)) return;
  warn(`${path}: packages not found, as this data base of RPM is in the format ${UNREAD.get(name)}; only SQLite's is read`);
}

async function databasePackages(file: ScanFile, context: CatalogContext, signal: AbortSignal): Promise<readonly Related[]> {
  const log = context.tree.locate(`${file.path}-wal`);
  const logBytes = log === undefined ? undefined : await parseFile(log, (bytes) => bytes, context, signal);
  const database = await parseFile(file, (bytes) => sqliteFile(bytes, logBytes), context, signal);
  if (database === undefined) return [];
  return await unlessDamaged(file.path, async () => {
    const related: Related[] = [];
    const slice = new TimeSlice();
    for (const [, blob] of tableRows(database, "Packages")) {
      if (!Buffer.isBuffer(blob)) throw new DamagedFileError("a row of Packages without a header");
      const one = parseRpmPackage(parseRpmHeader(blob));
      // The keys that packages are checked with, which RPM keeps among them.
      if (one.name !== "gpg-pubkey") related.push(await relatedPackage(one, file, context, signal));
      if (slice.isSpent) await slice.renew(signal);
    }
    return related;
  }, context) ?? [];
}

async function relatedPackage(one: RpmPackage, database: ScanFile, context: CatalogContext, signal: AbortSignal): Promise<Related> {
  const located = await locateFiles(one.files, context.tree, signal);
  return {
    found: {
      type: "rpm",
      namespace: osNamespace(context.osRelease),
      name: one.name,
      version: one.version,
      qualifiers: { arch: one.arch, epoch: one.epoch, distro: distroQualifier(context.osRelease), upstream: one.sourcePackage },
      licenses: one.licenses,
      supplier: one.vendor,
      homepage: one.homepage,
      evidence: [database.path],
      // The data base is written anew by each step that installs.
      broughtBy: located.intact ?? database.path,
      files: located.paths,
      dependencies: [],
    },
    provides: [...one.provides, ...one.files.map(({ path }) => path)],
    needs: one.requires.map((need) => [need]),
  };
}
