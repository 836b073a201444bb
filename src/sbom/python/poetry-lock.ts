import { withoutUnneeded, type LockedAlone, type LockedPackages, type LockNode, type LockNeeds } from "../locked-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { items, member, members, memberText, text, texts } from "../../content/parsed-value.ts";
import { DamagedFileError } from "../read-file.ts";
import { keysByName } from "./locked-names.ts";
import { isName, mayApply, normalizedName, parseRequirement } from "./requirement.ts";

const LINUX = { pythonVersion: undefined };
/** The group of what is needed to run. */
const MAIN = "main";

/**
 * The packages of a poetry.lock that are needed to run. Before Poetry 1.5 and from 2.0 on it says so itself; between, the
 * `pyproject.toml` beside it does, where it is there.
 */
export function lockedByPoetry(lock: unknown, project: unknown): LockedPackages {
  if (member(lock, "metadata") === undefined) throw new DamagedFileError("no lock file of Poetry: it has no [metadata]");
  const entries = items(member(lock, "package")).flatMap((entry) => {
    const name = memberText(entry, "name");
    return name === undefined || !isName(name) ? [] : [{ name: normalizedName(name), entry }];
  });
  const keys = keysByName(entries.map(({ name }, index) => [String(index), name]));
  const nodes = new Map<string, LockNode>(entries.map(({ name, entry }, index) => [String(index), { locked: lockedPackage(name, entry), ...needsOf(member(entry, "dependencies"), keys) }]));
  return withoutUnneeded(nodes, rootsOf(project, keys));
}

function lockedPackage(name: string, entry: unknown): LockedAlone | undefined {
  const source = member(entry, "source");
  const kind = memberText(source, "type");
  const groups = member(entry, "groups");
  const isUnneeded = member(entry, "optional") === true || ![MAIN, undefined].includes(memberText(entry, "category")) || (groups !== undefined && !texts(groups).includes(MAIN));
  if (isUnneeded || kind === "directory" || kind === "file" || !markersOf(entry).every((marker) => mayApply(marker, LINUX))) return undefined;
  const url = memberText(source, "url") ?? "";
  const qualifiers = kind === "git" ? repositoryQualifier(url, memberText(source, "resolved_reference")) : kind === "url" ? downloadQualifier(url) : {};
  return { namespace: undefined, name, version: memberText(entry, "version"), qualifiers, licenses: [] };
}

/** One for all groups; where they differ, one for each. */
function markersOf(entry: unknown): string[] {
  const markers = member(entry, "markers");
  return text(markers) === undefined ? [memberText(markers, MAIN) ?? []].flat() : [text(markers) ?? []].flat();
}

/** Names with what is asked of each: a range, a table, or tables for different interpreters. */
function needsOf(asked: unknown, keys: ReadonlyMap<string, readonly string[]>): LockNeeds {
  const needed: string[] = [];
  const unneeded: string[] = [];
  for (const [name, constraint] of members(asked)) {
    const locked = keys.get(normalizedName(name)) ?? [];
    const constraints = Array.isArray(constraint) ? constraint : [constraint];
    const applies = constraints.some((one) => member(one, "optional") !== true && mayApply(memberText(one, "markers"), LINUX));
    (applies ? needed : unneeded).push(...locked);
  }
  return { needed, unneeded };
}

function rootsOf(project: unknown, keys: ReadonlyMap<string, readonly string[]>): LockNeeds {
  const poetry = member(member(project, "tool"), "poetry");
  const main = needsOf(member(poetry, "dependencies"), keys);
  const groups = members(member(poetry, "group")).map(([, group]) => needsOf(member(group, "dependencies"), keys));
  const unneeded = [needsOf(member(poetry, "dev-dependencies"), keys), ...groups].flatMap((needs) => [...needs.needed, ...needs.unneeded]);
  const requirements = texts(member(member(project, "project"), "dependencies")).flatMap((one) => parseRequirement(one) ?? []);
  const standard = requirements.filter(({ marker }) => mayApply(marker, LINUX)).flatMap(({ name }) => keys.get(name) ?? []);
  return { needed: [...main.needed, ...standard], unneeded: [...main.unneeded, ...unneeded] };
}
