import type { LockedPackage, LockedPackages } from "../locked-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { parseJson } from "../parse-text.ts";
import { member, memberText, members, text } from "../../content/parsed-value.ts";
import { DamagedFileError } from "../read-file.ts";
import { npmName, splitAtVersion } from "./npm-name.ts";

const FOLDER = "node_modules/";
/** No system takes a longer path, so npm cannot have put anything there. A bound on what a hostile file can make us search. */
const PLACE_LENGTH_MAX = 4096;
/** What of an entry says that a program runs without it: npm leaves it out, or may. */
const UNNEEDED = ["dev", "optional", "devOptional", "extraneous"];

/**
 * `package-lock.json` and `npm-shrinkwrap.json` of npm 5 and later (lockfileVersion 1 to 3), by the places of the packages.
 * The project itself, its workspaces and what is only needed to develop it are left out; so is what is optional, which is
 * where it is wanted and fits the machine.
 */
export function parsePackageLock(bytes: Uint8Array): LockedPackages {
  const lock = parseJson(bytes);
  const placed = member(lock, "packages") === undefined ? placesOf(lock) : new Map(members(member(lock, "packages")));
  if (placed.size === 0 && member(lock, "lockfileVersion") === undefined) throw new DamagedFileError("no lock file of npm: it has no lockfileVersion");
  const locked = new Map<string, LockedPackage>();
  for (const [place, entry] of placed) {
    requirePlace(place);
    const found = lockedPackage(place, entry, placed);
    if (found !== undefined) locked.set(place, found);
  }
  return locked;
}

function requirePlace(place: string): void {
  if (place.length > PLACE_LENGTH_MAX) throw new DamagedFileError(`packages nested deeper than a path can be: more than ${PLACE_LENGTH_MAX} characters`);
}

/** The nested entries of version 1, by the places where npm puts them: as versions 2 and 3 write them. */
function placesOf(lock: unknown): ReadonlyMap<string, unknown> {
  const placed = new Map<string, unknown>();
  const ahead: Array<{ readonly prefix: string; readonly entries: unknown }> = [{ prefix: "", entries: member(lock, "dependencies") }];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    for (const [name, entry] of members(next.entries)) {
      const place = `${next.prefix}${FOLDER}${name}`;
      requirePlace(place);
      placed.set(place, entry);
      ahead.push({ prefix: `${place}/`, entries: member(entry, "dependencies") });
    }
  }
  return placed;
}

function lockedPackage(place: string, entry: unknown, placed: ReadonlyMap<string, unknown>): LockedPackage | undefined {
  const folder = place.lastIndexOf(FOLDER);
  // Elsewhere lie the project, and those of its workspaces; a link leads to one.
  if (folder < 0 || member(entry, "link") === true || UNNEEDED.some((flag) => member(entry, flag) === true)) return undefined;
  const source = sourceOf(entry);
  const name = npmName(memberText(entry, "name") ?? source.alias ?? place.slice(folder + FOLDER.length));
  if (name === undefined || source.isLocal) return undefined;
  const license = memberText(entry, "license");
  return {
    ...name,
    version: source.version,
    qualifiers: source.qualifiers,
    licenses: license === undefined ? [] : [license],
    dependencies: neededNames(entry).flatMap((needed) => placeOf(needed, place, placed) ?? []),
  };
}

interface Source {
  readonly version: string | undefined;
  readonly qualifiers: Readonly<Record<string, string>>;
  /** The real name, where the entry has another. */
  readonly alias: string | undefined;
  readonly isLocal: boolean;
}

/** In version 1 the version is where the package came from, for all that did not come from a registry. */
function sourceOf(entry: unknown): Source {
  const version = memberText(entry, "version");
  const resolved = memberText(entry, "resolved") ?? "";
  const registry: Source = { version, qualifiers: { ...archiveQualifiers(resolved), ...gitQualifiers(resolved) }, alias: undefined, isLocal: /^(?:file|link):/.test(resolved) };
  if (version?.startsWith("npm:") === true) {
    const { name, rest } = splitAtVersion(version.slice("npm:".length));
    return { ...registry, version: rest, alias: name };
  }
  if (version === undefined || !version.includes(":")) return registry;
  return { ...registry, version: undefined, qualifiers: { ...downloadQualifier(version), ...gitQualifiers(version) }, isLocal: /^(?:file|link):/.test(version) };
}

/** Where a registry has its archives there is a `/-/`; another address is asked for as such. */
function archiveQualifiers(url: string): Readonly<Record<string, string>> {
  return url.includes("/-/") ? {} : downloadQualifier(url);
}

function gitQualifiers(url: string): Readonly<Record<string, string>> {
  const [, repository, commit] = /^(git[+:][^#]*)#([^#]+)$/.exec(url) ?? [];
  return repository === undefined ? {} : repositoryQualifier(repository, commit);
}

function neededNames(entry: unknown): string[] {
  // `requires` is what version 1 calls them; `dependencies` are its nested entries.
  const fields = member(entry, "requires") === undefined ? ["dependencies", "optionalDependencies", "peerDependencies"] : ["requires"];
  return fields.flatMap((field) => members(member(entry, field)).filter(([, range]) => text(range) !== undefined).map(([name]) => name));
}

/** Where Node finds `name` from a package at `place`: in its own folder, or in one further out. */
function placeOf(name: string, place: string, placed: ReadonlyMap<string, unknown>): string | undefined {
  for (let from = `${place}/`; ; from = from.slice(0, from.lastIndexOf(FOLDER))) {
    const candidate = `${from}${FOLDER}${name}`;
    if (placed.has(candidate)) return candidate;
    if (from === "") return undefined;
    // A workspace lies in no such folder; after its own, the root's is looked into.
    if (!from.includes(FOLDER)) from = FOLDER;
  }
}
