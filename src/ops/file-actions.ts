import { posix } from "node:path";
import { parentPath } from "../archive/entry-path.ts";
import type { FileActionMkDir, FileActionMkFile, FileActionRm, FileActionSymlink } from "../llb/op.ts";
import type { TreeDraft } from "../snapshot/tree-draft.ts";
import type { Owner } from "./file-owner.ts";
import { below, groupHandedDown, literalContent, makeDirectories, makeOneDirectory, requireParent, timestampOf } from "./file-target.ts";
import { resolveWildcards } from "./file-wildcards.ts";
import { OperationError } from "./operation-error.ts";

/** Makes a directory; one that is there already stays as it is. */
export function makeDirectory(draft: TreeDraft, action: FileActionMkDir, owner: Owner | undefined): void {
  const path = draft.resolve(action.path, "follow");
  const stamp = { owner, mtimeNs: timestampOf(action.timestamp) };
  if (action.makeParents) {
    makeDirectories(draft, path, action.mode, stamp);
    return;
  }
  // Whatever is there counts as made, even a file: BuildKit asks no further.
  if (draft.lookup(path) !== undefined) return;
  requireParent(draft, "mkdir", path);
  makeOneDirectory(draft, path, action.mode, stamp);
}

/** Writes a file. One that is there gets new content and keeps its mode, and its owner unless the action names one. */
export function makeFile(draft: TreeDraft, action: FileActionMkFile, { owner, nowNs }: { readonly owner: Owner | undefined; readonly nowNs: bigint }): void {
  const path = draft.resolve(action.path, "follow");
  const before = draft.lookup(path)?.entry;
  if (before?.kind === "directory") throw new OperationError("step-failed", `open /${path}: is a directory`);
  requireParent(draft, "open", path);
  draft.writeFile(path, {
    mode: before?.kind === "file" ? before.mode : action.mode & 0o777,
    uid: owner?.uid ?? before?.uid ?? 0,
    gid: owner?.gid ?? before?.gid ?? groupHandedDown(draft, path) ?? 0,
    mtimeNs: timestampOf(action.timestamp) ?? nowNs,
  }, literalContent(action.data));
}

/** Makes a symbolic link; nothing may be there. */
export function makeSymlink(draft: TreeDraft, action: FileActionSymlink, { owner, nowNs }: { readonly owner: Owner | undefined; readonly nowNs: bigint }): void {
  const path = draft.resolve(action.newpath, "follow");
  const call = `symlink ${action.oldpath}`;
  requireParent(draft, call, path);
  if (draft.lookup(path) !== undefined) throw new OperationError("step-failed", `${call} /${path}: file exists`);
  draft.makeSymlink(path, action.oldpath, { mode: 0o777, uid: owner?.uid ?? 0, gid: owner?.gid ?? groupHandedDown(draft, path) ?? 0, mtimeNs: timestampOf(action.timestamp) ?? nowNs });
}

/** Takes away a path, or all that a pattern matches, with all below. */
export function remove(draft: TreeDraft, action: FileActionRm): void {
  const paths = action.allowWildcard ? resolveWildcards(draft, posix.resolve("/", action.path), "keep") : [action.path];
  for (const path of paths) removeOne(draft, posix.resolve("/", path), action.allowNotFound);
}

function removeOne(draft: TreeDraft, path: string, allowNotFound: boolean): void {
  if (path === "/") throw new OperationError("step-failed", "rmPath: invalid empty path");
  const target = below(draft.resolve(posix.dirname(path), "follow"), posix.basename(path));
  // A link that leads nowhere counts as not found, since it is what it leads to that is looked for.
  const isThere = draft.lookup(target) !== undefined && draft.lookup(draft.resolve(target, "follow")) !== undefined;
  if (!isThere && !allowNotFound) throw new OperationError("missing-input", `stat /${target}: no such file or directory`);
  if (draft.lookup(target) !== undefined && draft.lookup(parentPath(target))?.entry.kind === "directory") draft.remove(target);
}
