import { withoutUnneeded, type LockedAlone, type LockedPackages, type LockNeeds, type LockNode } from "../locked-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { member, members, memberText, text } from "../../content/parsed-value.ts";
import { npmName, splitAtVersion } from "./npm-name.ts";
import { requestsOf, type Requests } from "./project-manifest.ts";

const METADATA = "__metadata";
const WORKSPACE = "workspace:";

/** Folders of the project and its workspaces, relative to the lock file; `.` is the project's. */
export function berryWorkspaces(lock: unknown): string[] {
  return members(lock).flatMap(([, entry]) => workspaceOf(entry) ?? []);
}

/**
 * The packages of a lock file of Yarn 2 and later, by their requests. It does not tell what a workspace needs only to develop it:
 * the package.json does, where it is there. `manifests`: by folder, as `berryWorkspaces` names them.
 */
export function lockedByYarnBerry(lock: unknown, manifests: ReadonlyMap<string, unknown>): LockedPackages {
  const entries = members(lock).filter(([key]) => key !== METADATA).map(([key, entry]) => ({ requests: key.split(/,\s*/), entry }));
  const keys = keysByRequest(entries);
  const nodes = new Map<string, LockNode>();
  const roots: Array<LockNeeds> = [];
  for (const { requests: [request = ""], entry } of entries) {
    const workspace = workspaceOf(entry);
    const needs = needsOf(entry, keys, workspace === undefined ? undefined : requestsOf(manifests.get(workspace)));
    if (workspace === undefined) nodes.set(request, { locked: keys.get(request) === request ? lockedPackage(entry) : undefined, ...needs });
    else roots.push(needs);
  }
  return withoutUnneeded(nodes, { needed: roots.flatMap(({ needed }) => needed), unneeded: roots.flatMap(({ unneeded }) => unneeded) });
}

/** Of each request, the first of its entry. A patched package stands beside the one that it is made of, which is taken for it. */
function keysByRequest(entries: ReadonlyArray<{ readonly requests: readonly string[] }>): ReadonlyMap<string, string> {
  const keys = new Map(entries.flatMap(({ requests }) => requests.map((request) => [request, requests[0] ?? request] as const)));
  for (const request of keys.keys()) {
    const [, encoded = ""] = /^.[^@]*@patch:([^#]*)/.exec(request) ?? [];
    const original = keys.get(encoded.replaceAll(/%3A/gi, ":").replaceAll(/%2F/gi, "/").replaceAll("%40", "@"));
    if (original !== undefined) keys.set(request, original);
  }
  return keys;
}

function workspaceOf(entry: unknown): string | undefined {
  const { rest } = splitAtVersion(memberText(entry, "resolution") ?? "");
  return rest?.startsWith(WORKSPACE) === true ? rest.slice(WORKSPACE.length) : undefined;
}

/** `dependencies` of a workspace hold those for development as well, without saying so. */
function needsOf(entry: unknown, keys: ReadonlyMap<string, string>, asked: Requests | undefined): LockNeeds {
  const needed: string[] = [];
  const unneeded: string[] = [];
  for (const [name, range] of members(member(entry, "dependencies"))) {
    const request = text(range) ?? "";
    // Before version 8 a range of the registry has no protocol.
    const key = keys.get(`${name}@${request}`) ?? keys.get(`${name}@npm:${request}`);
    if (key === undefined) continue;
    const isOptional = memberText(member(member(entry, "dependenciesMeta"), name), "optional") === "true";
    (isOptional || asked?.unneeded.has(name) === true ? unneeded : needed).push(key);
  }
  return { needed, unneeded };
}

function lockedPackage(entry: unknown): LockedAlone | undefined {
  const { name: full, rest: reference = "" } = splitAtVersion(memberText(entry, "resolution") ?? "");
  const name = npmName(full);
  if (name === undefined || /^(?:link|portal|file):/.test(reference) || !fitsLinux(memberText(entry, "conditions") ?? "")) return undefined;
  const [address = "", fragment = ""] = reference.split("#");
  const commit = /(?:^|&)commit=([^&]+)/.exec(fragment)?.[1];
  const isRegistry = /^(?:npm|patch):/.test(reference);
  return {
    ...name,
    version: memberText(entry, "version"),
    qualifiers: isRegistry ? {} : commit === undefined ? downloadQualifier(address) : repositoryQualifier(address, commit),
    licenses: [],
  };
}

/** `(os=linux | os=darwin) & cpu=x64`, `!os=win32`: what names systems, and not ours, is no part of an image. */
function fitsLinux(conditions: string): boolean {
  const systems = [...conditions.matchAll(/(!?)\bos=([\w-]+)/g)].map(([, not, system]) => `${not}${system}`);
  const wanted = systems.filter((system) => !system.startsWith("!"));
  return !systems.includes("!linux") && (wanted.length === 0 || wanted.includes("linux"));
}
