import { realpath } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import { digestOf, type Digest } from "../content/digest.ts";
import type { ConversionMemory } from "../git/converted.ts";
import { usedPaths, type UsedDirectory } from "../git/used-directory.ts";
import { verifyCommit, type CommitCheck } from "../git/verify-commit.ts";
import type { Environment } from "../host/environment.ts";
import type { Verdict } from "../session/selection-filter.ts";
import { Tree } from "../snapshot/tree.ts";
import type { StateDatabase } from "../store/state-database.ts";
import { commitSelection } from "./commit-selection.ts";
import type { ReadLocal } from "./locals.ts";

/** Kind of the facts that say which blob git would make of a content. They are true for ever. */
const CHECKED_IN = "git-checked-in";

/** Kind of the facts that say which content equals which commit. */
const EQUAL = "git-equal";

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
    const { root: top } = await Tree.open([local.layer], signal);
    if (place === undefined) for (const path of usedPaths(top, "")) outside.push(`${local.name}:${path}`);
    else directories.push(await usedDirectory(local, { place, top }, signal));
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

async function usedDirectory({ layer, digests, selection }: ReadLocal, used: Pick<UsedDirectory<Verdict>, "place" | "top">, signal: AbortSignal): Promise<UsedDirectory<Verdict>> {
  const files = await digests(signal);
  return {
    ...used,
    blob: ({ stored }) => files.get(stored.path)?.blob,
    content: async ({ stored }) => ({ digest: await layer.contentDigest(stored, signal), sizeBytes: stored.sizeBytes, read: (readSignal) => layer.read(stored, readSignal) }),
    selection: (tree) => commitSelection(tree, used.place, selection),
  };
}
