import { realpath } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import type { Entry } from "../archive/entry.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import type { ConversionMemory } from "../git/converted.ts";
import { formatOf } from "../git/object-id.ts";
import { usedPaths, type UsedDirectory, type UsedPlace } from "../git/used-directory.ts";
import type { UsedTrees } from "../git/used-trees.ts";
import { verifyCommit, type CommitCheck } from "../git/verify-commit.ts";
import type { Environment } from "../host/environment.ts";
import type { Verdict } from "../session/selection-filter.ts";
import { Tree } from "../snapshot/tree.ts";
import type { StateDatabase } from "../store/state-database.ts";
import { commitSelection } from "./commit-selection.ts";
import type { ReadLocal } from "./locals.ts";

/** Each looks at all entries; to make a set of them takes as long as some thirty. */
const SEARCHES_MAX = 8;

/** Kind of the facts that say which blob git would make of a content. They are true for ever. */
const CHECKED_IN = "git-checked-in";

/** Kind of the facts that say which content equals which commit. */
const EQUAL = "git-equal";

/** Kind of the facts that say which tree objects git would make of a content: a line for each of its directories. */
const TREES = "git-trees";

export interface CommitCheckRequest {
  /** Top of the work tree. */
  readonly root: string;
  readonly commit: string;
  /** What the build read of the client's directories. */
  readonly locals: readonly ReadLocal[];
  /** Where each of these directories is; a name that is missing has no place, such as a Dockerfile from standard input. */
  readonly directories: ReadonlyMap<string, string>;
  readonly database: StateDatabase;
  readonly env: Environment;
}

/**
 * Compares what was used, file by file, with the commit that git names. Reads no file but those that differ and that git may have
 * converted. What was found equal once needs no second look: both sides are named by hashes of all that they are.
 */
export async function checkCommit(request: CommitCheckRequest, signal: AbortSignal): Promise<CommitCheck> {
  const name = await contentName(request);
  const files = request.database.fact(EQUAL, name);
  if (files !== undefined) return { kind: "equal", files: Number(files), converted: 0 };
  const check = await compareFiles(request, signal);
  // What git converts depends on settings, too.
  if (check.kind === "equal" && check.converted === 0) request.database.saveFact(EQUAL, name, String(check.files));
  return check;
}

/** Names all that the answer depends on, as long as git converts nothing. */
async function contentName(request: CommitCheckRequest): Promise<Digest> {
  const used = await Promise.all(request.locals.map(async (local) => [local.root, local.selection, (await placeOf(local.name, request)) ?? null]));
  return digestOf(Buffer.from(JSON.stringify([request.commit, used])));
}

async function compareFiles(request: CommitCheckRequest, signal: AbortSignal): Promise<CommitCheck> {
  const { root, commit, env, database } = request;
  const directories: UsedDirectory<Verdict>[] = [];
  const outside: string[] = [];
  for (const local of request.locals) {
    const place = await placeOf(local.name, request);
    if (place === undefined) for (const path of usedPaths((await Tree.open([local.layer], signal)).root, "")) outside.push(`${local.name}:${path}`);
    else directories.push(await usedDirectory(local, { place, trees: rememberedTrees(local, request) }, signal));
  }
  const learned = new Map<string, string>();
  const memory: ConversionMemory = { get: (name) => learned.get(name) ?? database.fact(CHECKED_IN, name), set: (name, value) => void learned.set(name, value) };
  const check = await verifyCommit({ root, commit, env, memory }, { directories, outside }, signal);
  database.saveFacts(CHECKED_IN, learned);
  return check;
}

/** Of a directory in the work tree, with `/`; undefined when it is elsewhere. */
async function placeOf(name: string, { root, directories }: CommitCheckRequest): Promise<string | undefined> {
  const directory = directories.get(name);
  const place = directory && relative(root, await realpath(directory));
  return place === undefined || place === ".." || place.startsWith(`..${sep}`) || isAbsolute(place) ? undefined : place.split(sep).join("/");
}

async function usedDirectory({ layer, digests, selection }: ReadLocal, { place, trees }: UsedThere, signal: AbortSignal): Promise<UsedDirectory<Verdict>> {
  const entries = await layer.entries(signal);
  let top: Promise<UsedPlace> | undefined;
  return {
    place,
    trees: trees.get(),
    keepTrees: (found) => trees.keep(found),
    top: async () => await (top ??= Tree.open([layer], signal).then(({ root }) => root)),
    holds: membershipIn(entries),
    async blobs(files) {
      const known = await digests(signal, files && new Set(files.map(({ stored }) => stored.path)));
      return ({ stored }) => known.get(stored.path)?.blob;
    },
    content: async ({ stored }) => ({ digest: await layer.contentDigest(stored, signal), sizeBytes: stored.sizeBytes, read: (readSignal) => layer.read(stored, readSignal) }),
    selection: (tree) => commitSelection(tree, place, selection),
  };
}

/** Who asks about a few paths, such as a Dockerfile's, does not wait until all that there are can be looked up. */
function membershipIn(entries: readonly Entry[]): (path: string) => boolean {
  let questions = 0;
  let paths: ReadonlySet<string> | undefined;
  return (path) => {
    questions += 1;
    if (questions <= SEARCHES_MAX) return entries.some((entry) => entry.path === path && entry.kind !== "directory");
    return (paths ??= new Set(entries.flatMap((entry) => (entry.kind === "directory" ? [] : [entry.path])))).has(path);
  };
}

interface UsedThere {
  readonly place: string;
  readonly trees: TreeMemory;
}

interface TreeMemory {
  get(): UsedTrees | undefined;
  keep(trees: UsedTrees): void;
}

/** The ids of git's trees follow from the content, which the root names. */
function rememberedTrees({ root }: ReadLocal, { commit, database }: CommitCheckRequest): TreeMemory {
  const name = `${formatOf(commit)} ${root}`;
  return {
    get() {
      const text = database.fact(TREES, name);
      // Written below.
      return text === undefined ? undefined : new Map((JSON.parse(text) as ReadonlyArray<readonly [string, string | null, number]>).map(([path, id, files]) => [path, { id: id ?? undefined, files }]));
    },
    keep: (trees) => database.saveFact(TREES, name, JSON.stringify(Array.from(trees, ([path, { id, files }]) => [path, id ?? null, files]))),
  };
}
