import { withoutUnneeded, type LockedAlone, type LockedPackages, type LockNode } from "../locked-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { npmName, splitAtVersion } from "./npm-name.ts";
import { requestsOf } from "./project-manifest.ts";
import type { YarnClassicEntry } from "./yarn-classic.ts";

/**
 * The packages of a lock file of Yarn 1, by the first request that each meets. The file does not tell what is needed only to
 * develop the project: `manifests`, its package.json and those of its workspaces, do, as far as they are there.
 */
export function lockedByYarnClassic(entries: readonly YarnClassicEntry[], manifests: readonly unknown[]): LockedPackages {
  const keys = new Map(entries.flatMap(({ requests }) => requests.map((request) => [request, requests[0] ?? request] as const)));
  const keysOf = (requests: Iterable<string>): string[] => [...requests].flatMap((request) => keys.get(request) ?? []);
  const nodes = new Map<string, LockNode>();
  for (const entry of entries) {
    const [key = ""] = entry.requests;
    nodes.set(key, { locked: lockedPackage(key, entry), needed: keysOf(entry.dependencies), unneeded: keysOf(entry.optionalDependencies) });
  }
  const asked = manifests.map(requestsOf);
  const requests = (map: ReadonlyMap<string, string>): string[] => [...map].map(([name, range]) => `${name}@${range}`);
  return withoutUnneeded(nodes, {
    needed: keysOf(asked.flatMap(({ needed }) => requests(needed))),
    unneeded: keysOf(asked.flatMap(({ unneeded }) => requests(unneeded))),
  });
}

function lockedPackage(request: string, { fields }: YarnClassicEntry): LockedAlone | undefined {
  const { name: asked, rest: range = "" } = splitAtVersion(request);
  const name = npmName(range.startsWith("npm:") ? splitAtVersion(range.slice("npm:".length)).name : asked);
  if (name === undefined || /^(?:file|link|portal|workspace):|^\.{0,2}\//.test(range)) return undefined;
  return { ...name, version: fields.get("version"), qualifiers: qualifiersOf(range, fields.get("resolved") ?? ""), licenses: [] };
}

/** A range that is an address names no registry, and `resolved` is what was found there. */
function qualifiersOf(range: string, resolved: string): Readonly<Record<string, string>> {
  const isAddress = /^(?:git|github|gitlab|bitbucket|https?|ssh)[+:@]/.test(range) || /^[\w.-]+\/[\w.-]+(?:#.*)?$/.test(range);
  if (!isAddress) return {};
  const [url = "", commit] = resolved.split("#");
  return url.startsWith("git") || url.endsWith(".git") ? repositoryQualifier(url, commit) : downloadQualifier(url);
}
