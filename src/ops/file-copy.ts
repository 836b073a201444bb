import { posix } from "node:path";
import { ArchiveError } from "../archive/archive-error.ts";
import { parentPath } from "../archive/entry-path.ts";
import type { FileActionCopy } from "../llb/op.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { TreeDraft } from "../snapshot/tree-draft.ts";
import type { TreeView } from "../snapshot/tree-view.ts";
import { FileCopier } from "./file-copier.ts";
import { parseFileMode, type FileMode } from "./file-mode.ts";
import type { Owner } from "./file-owner.ts";
import { actionPath, below, makeDirectories, timestampOf, type Stamp } from "./file-target.ts";
import { openArchive } from "./file-unpack.ts";
import { resolveWildcards } from "./file-wildcards.ts";
import { OperationError } from "./operation-error.ts";

/** What directories on the way get when the action names no mode. */
const DIRECTORY_MODE = 0o755;

export interface CopyTrees {
  readonly source: TreeView;
  readonly draft: TreeDraft;
}

export interface CopyServices {
  readonly store: LayerStore;
  readonly owner: Owner | undefined;
  /** The time of what has no other. */
  readonly nowNs: bigint;
}

/** COPY and ADD: each source that matches, to a file or into a directory, as BuildKit's file operation does. */
export async function copyFiles(action: FileActionCopy, { source, draft }: CopyTrees, { store, owner, nowNs }: CopyServices, signal: AbortSignal): Promise<void> {
  const stamp: Stamp = { owner, mtimeNs: timestampOf(action.timestamp) };
  if (!action.createDestPath) requireDestination(draft, action.dest);
  for (const match of matchesOf(source, action)) {
    signal.throwIfAborted();
    if (action.attemptUnpackDockerCompatibility && (await unpackArchive(source, match, { draft, action, stamp, nowNs, store }, signal))) continue;
    await copyOne(source, match, { draft, action, stamp, nowNs }, signal);
  }
}

interface Destination {
  readonly draft: TreeDraft;
  readonly action: FileActionCopy;
  readonly stamp: Stamp;
  readonly nowNs: bigint;
}

function requireDestination(draft: TreeDraft, dest: string): void {
  const parent = parentPath(draft.resolve(dest, "follow"));
  if (draft.lookup(parent) === undefined) throw new OperationError("step-failed", `failed to stat ${dest}: lstat /${parent}: no such file or directory`);
}

function matchesOf(source: TreeView, action: FileActionCopy): readonly string[] {
  const path = actionPath(action.src);
  if (!action.allowWildcard) return [path];
  const matches = resolveWildcards(source, path, action.followSymlink ? "follow" : "keep");
  if (matches.length === 0 && !action.allowEmptyWildcard) throw new OperationError("missing-input", `${path} not found`);
  return matches;
}

async function unpackArchive(source: TreeView, match: string, { draft, action, stamp, store }: Destination & { readonly store: LayerStore }, signal: AbortSignal): Promise<boolean> {
  const node = source.lookup(source.resolve(match, "follow"));
  const archive = node === undefined ? undefined : await openArchive(node, signal);
  if (archive === undefined) return false;
  try {
    const directory = draft.resolve(action.dest, "follow");
    makeDirectories(draft, directory, DIRECTORY_MODE, stamp);
    await archive.unpackInto(draft, directory, { store, owner: stamp.owner }, signal);
    return true;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new OperationError("missing-input", `${match} cannot be unpacked: ${error.message}`, { cause: error });
  } finally {
    await archive.close();
  }
}

async function copyOne(source: TreeView, match: string, { draft, action, stamp, nowNs }: Destination, signal: AbortSignal): Promise<void> {
  const mode = modeOf(action);
  const directoryMode = action.modeStr === "" && action.mode !== -1 ? action.mode : DIRECTORY_MODE;
  const dest = actionPath(action.dest);
  const into = dest.endsWith("/") || dest.endsWith("/.") ? dest : posix.dirname(dest);
  const made = [...makeDirectories(draft, draft.resolve(into, "follow"), directoryMode, stamp)];
  const from = source.resolve(match, action.followSymlink ? "follow" : "keep");
  const isDirectory = kindAt(source, from) === "directory";
  if (source.lookup(from) === undefined) throw new OperationError("missing-input", `lstat /${from}: no such file or directory`);

  let target = draft.resolve(dest, "follow");
  const found = kindAt(draft, target);
  // A directory goes into one that is there, unless it is its contents that are copied; a file always does.
  if (isDirectory ? !action.dirCopyContents && found !== undefined : found === "directory") target = below(target, posix.basename(match));
  const parent = isDirectory && action.dirCopyContents && found === undefined ? target : parentPath(target);
  made.push(...makeDirectories(draft, parent, directoryMode, stamp));
  const { includePatterns, excludePatterns, alwaysReplaceExistingDestPaths: replaceExisting } = action;
  await new FileCopier(source, draft, { stamp, nowNs, mode, includePatterns, excludePatterns, replaceExisting }).copy(from, target, signal);
  // Making files in them has changed the times of the directories that were made for them.
  if (stamp.mtimeNs !== undefined) for (const path of made.reverse()) draft.amend(path, { mtimeNs: stamp.mtimeNs });
}

function kindAt(tree: TreeView, path: string): string | undefined {
  return tree.lookup(path)?.entry.kind;
}

function modeOf(action: FileActionCopy): FileMode | undefined {
  if (action.modeStr !== "") return parseFileMode(action.modeStr);
  const { mode } = action;
  return mode === -1 ? undefined : { apply: () => mode & 0o7777 };
}
