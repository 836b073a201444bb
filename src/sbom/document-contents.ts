import { parseActor, type Actor } from "./actor.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { DocumentFile, DocumentInput, Origin } from "./document.ts";
import type { FoundPackage, PackageType } from "./found-package.ts";
import { declaredLicense, type DeclaredLicense } from "./license.ts";
import { operatingSystem, type OperatingSystem } from "./operating-system.ts";
import { purlOf } from "./purl.ts";
import type { ScannedPackage } from "./scan.ts";
import { compareBytes } from "./scan-tree.ts";
import { webAddress } from "./web-address.ts";

/** A package once, however many catalogers found it and wherever it lies. */
export interface DocumentPackage extends Pick<FoundPackage, "type" | "name" | "version"> {
  readonly purl: string;
  /** What the name is within: a scope, a group. Undefined also for what came with a distribution, whose name is no part of it. */
  readonly group: string | undefined;
  readonly license: DeclaredLicense | undefined;
  readonly supplier: Actor | undefined;
  /** Who made it, where that is told: a distribution's maintainer supplies what others made. */
  readonly originator: Actor | undefined;
  readonly homepage: string | undefined;
  readonly catalogers: readonly string[];
  /** Paths. */
  readonly evidence: readonly string[];
  /** Those of its files that the document lists. */
  readonly files: readonly DocumentFile[];
  /** What brought it, one for each place where it lies. */
  readonly origins: readonly Origin[];
  /** Package-urls that are in the document. */
  readonly dependencies: readonly string[];
}

/** What both formats tell, in the order in which they tell it. */
export interface DocumentContents {
  readonly system: OperatingSystem | undefined;
  readonly packages: readonly DocumentPackage[];
  readonly files: readonly DocumentFile[];
  /** Files of no package. */
  readonly unowned: readonly DocumentFile[];
}

export async function documentContents(input: DocumentInput, signal: AbortSignal): Promise<DocumentContents> {
  const files = new Map(input.files.toSorted((a, b) => compareBytes(a.path, b.path)).map((file) => [file.path, file]));
  const byPurl = Map.groupBy(input.scan.packages, purlOf);
  const resolve = dependencyResolver(input.scan.packages);
  const packages: DocumentPackage[] = [];
  const owned = new Set<DocumentFile>();
  const slice = new TimeSlice();
  for (const [purl, [first, ...others]] of [...byPurl].toSorted(([a], [b]) => compareBytes(a, b))) {
    if (first === undefined) continue;
    const found = [first, ...others] as const;
    const needed = distinct(found.flatMap(resolve)).filter((dependency) => dependency !== purl);
    const one = { ...merge(purl, found, input.originOf), files: ownFiles(found, files), dependencies: needed };
    for (const file of one.files) owned.add(file);
    packages.push(one);
    if (slice.isSpent) await slice.renew(signal);
  }
  return { system: operatingSystem(input.scan.osRelease), packages, files: [...files.values()], unowned: [...files.values()].filter((file) => !owned.has(file)) };
}

function merge(purl: string, found: readonly [ScannedPackage, ...ScannedPackage[]], originOf: DocumentInput["originOf"]): Omit<DocumentPackage, "files" | "dependencies"> {
  const [{ type, namespace, name, version }] = found;
  const isOfSystem = type === "deb" || type === "apk" || type === "rpm";
  const supplier = actorOf(found.map((one) => one.supplier));
  return {
    purl, type, name, version, supplier,
    group: isOfSystem ? undefined : namespace,
    originator: actorOf(found.map((one) => one.originator)) ?? (isOfSystem ? undefined : supplier),
    homepage: found.map((one) => webAddress(one.homepage)).find((address) => address !== undefined),
    license: declaredLicense(distinct(found.flatMap((one) => one.licenses))),
    catalogers: distinct(found.map((one) => one.cataloger)),
    evidence: distinct(found.flatMap((one) => one.evidence)),
    origins: distinctOrigins(distinct(found.map((one) => one.broughtBy)).map((path) => originOf(path))),
  };
}

function actorOf(told: ReadonlyArray<string | undefined>): Actor | undefined {
  return told.map((text) => (text === undefined ? undefined : parseActor(text))).find((actor) => actor !== undefined);
}

function ownFiles(found: readonly ScannedPackage[], files: ReadonlyMap<string, DocumentFile>): DocumentFile[] {
  return distinct(found.flatMap((one) => one.files)).map((path) => files.get(path)).filter((file) => file !== undefined);
}

/** Package-urls for what a package needs. A name that fits several packages names none: a document does not guess. */
function dependencyResolver(packages: readonly ScannedPackage[]): (needer: ScannedPackage) => string[] {
  const purls = new Set(packages.map(purlOf));
  const byName = Map.groupBy(packages.flatMap((one) => namesOf(one).map((name) => ({ one, name }))), ({ one, name }) => nameKey(one.type, name));
  return (needer) => needer.dependencies.flatMap((needed) => {
    if (needed.startsWith("pkg:")) return purls.has(needed) ? [needed] : [];
    const fitting = (byName.get(nameKey(needer.type, needed)) ?? []).filter(({ one }) => one.evidence.some((path) => needer.evidence.includes(path)));
    const found = distinct(fitting.map(({ one }) => purlOf(one)));
    return found.length === 1 ? found : [];
  });
}

function namesOf({ namespace, name }: ScannedPackage): string[] {
  return namespace === undefined ? [name] : [name, `${namespace}/${name}`];
}

function nameKey(type: PackageType, name: string): string {
  return `${type}\0${name}`;
}

function distinctOrigins(origins: readonly Origin[]): Origin[] {
  return [...new Map(origins.map((origin) => [JSON.stringify([origin.layer, origin.step, origin.dockerfile]), origin])).values()];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted(compareBytes);
}
