import { withoutUnneeded, type LockedAlone, type LockedPackages, type LockNode } from "../locked-package.ts";
import { repositoryQualifier, withoutSecrets } from "../origin-url.ts";
import { items, member, members, memberText, texts } from "../../content/parsed-value.ts";
import { DamagedFileError } from "../read-file.ts";

const CRATES_IO: ReadonlySet<string> = new Set(["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"]);

/**
 * The packages of a Cargo.lock (version 1 to 4) but for the project's own, which have no source. It does not tell what is needed only
 * to develop or to build them: `manifests`, their Cargo.toml, do, as far as they are there.
 */
export function lockedByCargo(lock: unknown, manifests: readonly unknown[]): LockedPackages {
  const entries = items(member(lock, "package"));
  if (entries.length === 0 && member(lock, "version") === undefined) throw new DamagedFileError("no lock file of Cargo: it has neither a version nor packages");
  // A name that is not enough to tell it names none.
  const keys = new Map<string, string | undefined>();
  for (const entry of entries) for (const name of new Set(namesOf(entry))) keys.set(name, keys.has(name) ? undefined : keyOf(entry));
  const unneeded = new Map(manifests.map((manifest) => [memberText(member(manifest, "package"), "name") ?? "", unneededBy(manifest)]));
  const nodes = new Map<string, LockNode>();
  for (const entry of entries) {
    const isOwn = member(entry, "source") === undefined;
    const dropped = isOwn ? unneeded.get(memberText(entry, "name") ?? "") : undefined;
    const asked = Map.groupBy(texts(member(entry, "dependencies")), (one) => (dropped?.has(one.split(" ")[0] ?? "") === true ? "unneeded" : "needed"));
    const needs = (kind: "needed" | "unneeded"): string[] => (asked.get(kind) ?? []).flatMap((one) => keys.get(one) ?? []);
    nodes.set(keyOf(entry), { locked: isOwn ? undefined : lockedPackage(entry), needed: needs("needed"), unneeded: needs("unneeded") });
  }
  const own = entries.filter((entry) => member(entry, "source") === undefined).map(keyOf);
  return withoutUnneeded(nodes, { needed: own, unneeded: [] });
}

/** How others may name it: as little as is needed to tell it from those of its name, and never with the commit. */
function namesOf(entry: unknown): string[] {
  const [name = "", version = "", source] = ["name", "version", "source"].map((field) => memberText(entry, field));
  return [name, `${name} ${version}`, ...(source === undefined ? [] : [`${name} ${version} (${source.split("#")[0]})`, `${name} ${version} (${source})`])];
}

function keyOf(entry: unknown): string {
  return namesOf(entry).at(-1) ?? "";
}

function lockedPackage(entry: unknown): LockedAlone | undefined {
  const name = memberText(entry, "name");
  if (name === undefined || !/^[\w-]+$/.test(name)) return undefined;
  return { namespace: undefined, name, version: memberText(entry, "version"), qualifiers: qualifiersOf(memberText(entry, "source") ?? ""), licenses: [] };
}

function qualifiersOf(source: string): Readonly<Record<string, string>> {
  if (CRATES_IO.has(source)) return {};
  const plus = source.indexOf("+");
  const [url = "", commit] = source.slice(plus + 1).split("#");
  if (source.startsWith("git+")) return repositoryQualifier(url, commit);
  const registry = withoutSecrets(url);
  return registry === undefined ? {} : { repository_url: registry };
}

/** Names of packages that a Cargo.toml asks for in other sections than `dependencies`. */
function unneededBy(manifest: unknown): ReadonlySet<string> {
  const tables = [manifest, ...members(member(manifest, "target")).map(([, target]) => target)];
  const needed = new Set(tables.flatMap((table) => packageNames(member(table, "dependencies"))));
  const others = ["dev-dependencies", "build-dependencies"].flatMap((section) => tables.flatMap((table) => packageNames(member(table, section))));
  return new Set(others.filter((name) => !needed.has(name)));
}

function packageNames(section: unknown): string[] {
  return members(section).map(([name, asked]) => memberText(asked, "package") ?? name);
}
