import { withoutUnneeded, type LockedAlone, type LockedPackages, type LockNeeds, type LockNode } from "../locked-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { member, members, memberText, text } from "../../content/parsed-value.ts";
import { DamagedFileError } from "../read-file.ts";
import { npmName, splitAtVersion } from "./npm-name.ts";

/**
 * The packages of a `pnpm-lock.yaml` (lockfileVersion 5 to 9), by pnpm's paths of them. `documents`: of the file; pnpm 11 and
 * later may put one before the lock file that is about pnpm itself.
 */
export function lockedByPnpm(documents: readonly unknown[]): LockedPackages {
  const lock = documents.at(-1);
  const version = Number.parseInt(memberText(lock, "lockfileVersion") ?? "", 10);
  if (!(version >= 5 && version <= 9)) throw new DamagedFileError("no lock file of pnpm that is known: lockfileVersion is none of 5 to 9");
  const entries = new Map(members(member(lock, "packages")));
  // From version 9 on, what a package needs stands apart from what it is, once for each set of peers.
  const snapshots = version < 9 ? entries : new Map(members(member(lock, "snapshots")));
  const nodes = new Map<string, LockNode>();
  for (const [key, snapshot] of snapshots) {
    const entry = entries.get(version < 9 ? key : withoutPeers(key, version)) ?? snapshot;
    nodes.set(key, { locked: lockedPackage(key, entry, version), ...needsOf(snapshot, snapshots) });
  }
  const projects = member(lock, "importers") === undefined ? [lock] : members(member(lock, "importers")).map(([, project]) => project);
  const needs = projects.map((project) => needsOf(project, snapshots));
  return withoutUnneeded(nodes, { needed: needs.flatMap(({ needed }) => needed), unneeded: needs.flatMap(({ unneeded }) => unneeded) });
}

function needsOf(from: unknown, snapshots: ReadonlyMap<string, unknown>): LockNeeds {
  return { needed: keysOf(from, ["dependencies"], snapshots), unneeded: keysOf(from, ["devDependencies", "optionalDependencies"], snapshots) };
}

/** A reference is a version, or a key as it stands; a project of version 6 and later has it beside the range. */
function keysOf(from: unknown, fields: readonly string[], snapshots: ReadonlyMap<string, unknown>): string[] {
  return fields.flatMap((field) => members(member(from, field))).flatMap(([name, value]) => {
    const reference = text(value) ?? memberText(value, "version") ?? "";
    return [`${name}@${reference}`, `/${name}@${reference}`, `/${name}/${reference}`, reference].find((key) => snapshots.has(key)) ?? [];
  });
}

function lockedPackage(key: string, entry: unknown, lockVersion: number): LockedAlone | undefined {
  const bare = withoutPeers(key, lockVersion);
  const path = lockVersion < 6 ? splitPath(bare) : splitAtVersion(bare.replace(/^\//, ""));
  const resolution = member(entry, "resolution");
  const name = npmName(memberText(entry, "name") ?? path.name);
  // What is local is the project's own.
  if (name === undefined || member(resolution, "directory") !== undefined || /(?:^|@)file:/.test(bare)) return undefined;
  const isAddress = memberText(entry, "version") !== undefined || path.rest?.includes(":") === true;
  return {
    ...name,
    version: memberText(entry, "version") ?? (isAddress ? undefined : path.rest),
    qualifiers: isAddress ? qualifiersOf(resolution) : {},
    licenses: [],
  };
}

function qualifiersOf(resolution: unknown): Readonly<Record<string, string>> {
  const repository = memberText(resolution, "repo");
  return repository === undefined ? downloadQualifier(memberText(resolution, "tarball") ?? "") : repositoryQualifier(repository, memberText(resolution, "commit"));
}

/** `/name/1.0.0` of version 5, with the registry before it where that is not the usual one. */
function splitPath(path: string): { readonly name: string; readonly rest: string | undefined } {
  const segments = path.split("/").slice(1);
  return { name: segments.slice(0, -1).join("/"), rest: segments.at(-1) };
}

/** `1.0.0_react@18.2.0` of version 5, `1.0.0(react@18.2.0)` of later ones. */
function withoutPeers(key: string, lockVersion: number): string {
  const end = lockVersion < 6 ? key.indexOf("_", key.lastIndexOf("/")) : key.indexOf("(");
  return end < 0 ? key : key.slice(0, end);
}
