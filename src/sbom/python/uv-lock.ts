import { withoutUnneeded, type LockedAlone, type LockedPackages, type LockNeeds, type LockNode } from "../locked-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { items, member, members, memberText, texts } from "../../content/parsed-value.ts";
import { DamagedFileError } from "../read-file.ts";
import { keysByName } from "./locked-names.ts";
import { isName, mayApply, normalizedName } from "./requirement.ts";

const LINUX = { pythonVersion: undefined };
/** Of the project itself, and of what lies beside it. */
const LOCAL = ["editable", "virtual", "directory", "path"];

/** The packages of a uv.lock but for the project's own, and for what only its extras and its groups lead to. */
export function lockedByUv(lock: unknown): LockedPackages {
  if (typeof member(lock, "version") !== "bigint") throw new DamagedFileError("no lock file of uv: it has no version");
  const entries = items(member(lock, "package")).filter((entry) => isName(memberText(entry, "name") ?? ""));
  const keys = keysByName(entries.map((entry) => [keyOf(entry), nameOf(entry)]));
  const nodes = new Map<string, LockNode>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const extras = members(member(entry, "optional-dependencies"));
    for (const [extra, asked] of extras) nodes.set(extraKey(key, extra), { locked: undefined, ...needsOf(asked, keys) });
    const needs = needsOf(member(entry, "dependencies"), keys);
    const groups = members(member(entry, "dev-dependencies")).map(([, asked]) => needsOf(asked, keys));
    const unneeded = [...extras.map(([extra]) => extraKey(key, extra)), ...[needs, ...groups].flatMap((one) => one.unneeded), ...groups.flatMap((one) => one.needed)];
    nodes.set(key, { locked: lockedPackage(entry), needed: needs.needed, unneeded });
  }
  return withoutUnneeded(nodes, { needed: entries.filter(isLocal).map(keyOf), unneeded: [] });
}

function lockedPackage(entry: unknown): LockedAlone | undefined {
  if (isLocal(entry)) return undefined;
  const source = member(entry, "source");
  const [url = "", commit] = (memberText(source, "git") ?? "").split("#");
  const qualifiers = url === "" ? downloadQualifier(memberText(source, "url") ?? "") : repositoryQualifier(url, commit);
  return { namespace: undefined, name: nameOf(entry), version: memberText(entry, "version"), qualifiers, licenses: [] };
}

function isLocal(entry: unknown): boolean {
  return LOCAL.some((kind) => member(member(entry, "source"), kind) !== undefined);
}

function nameOf(entry: unknown): string {
  return normalizedName(memberText(entry, "name") ?? "");
}

function keyOf(entry: unknown): string {
  return `${nameOf(entry)}@${memberText(entry, "version") ?? ""}`;
}

function extraKey(key: string, extra: string): string {
  return `${key}[${extra}]`;
}

/** The version is written where the name alone is not enough. */
function needsOf(asked: unknown, keys: ReadonlyMap<string, readonly string[]>): LockNeeds {
  const parts = Map.groupBy(items(asked), (one) => mayApply(memberText(one, "marker"), LINUX));
  const keysOf = (one: unknown): string[] => {
    const version = memberText(one, "version");
    const named = keys.get(normalizedName(memberText(one, "name") ?? "")) ?? [];
    const met = named.filter((key) => version === undefined || key.endsWith(`@${version}`));
    return [...met, ...texts(member(one, "extra")).flatMap((extra) => met.map((key) => extraKey(key, extra)))];
  };
  return { needed: (parts.get(true) ?? []).flatMap(keysOf), unneeded: (parts.get(false) ?? []).flatMap(keysOf) };
}
