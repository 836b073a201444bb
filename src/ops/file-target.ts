import { posix } from "node:path";
import { joinPath, parentPath } from "../archive/entry-path.ts";
import { NO_LAYER } from "../snapshot/tree-place.ts";
import type { Layer } from "../snapshot/layer.ts";
import type { Entry } from "../archive/entry.ts";
import type { TreeDraft } from "../snapshot/tree-draft.ts";
import { bytesOf, partOf } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import type { Owner } from "./file-owner.ts";
import { OperationError } from "./operation-error.ts";

/** What an action says of all that it makes. */
export interface Stamp {
  /** Undefined: root, or for what is copied its owner. */
  readonly owner: Owner | undefined;
  /** Undefined: now, or for what is copied its time. */
  readonly mtimeNs: bigint | undefined;
}

const SET_GROUP = 0o2000;

/** A timestamp of LLB: nanoseconds since the epoch, and -1 for none. */
export function timestampOf(timestamp: bigint): bigint | undefined {
  return timestamp === -1n ? undefined : timestamp;
}

/** A path of an action: absolute and clean, but with the `/` or `/.` at its end that says that a directory is meant. */
export function actionPath(path: string): string {
  const clean = posix.resolve("/", path);
  if (path.endsWith("/.")) return clean === "/" ? "/." : `${clean}/.`;
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

/**
 * Makes a directory and those above it that are missing, all alike, and returns the paths that it made.
 * `path` has been resolved. Throws OperationError where something else is in the way.
 */
export function makeDirectories(draft: TreeDraft, path: string, mode: number, stamp: Stamp): readonly string[] {
  const found = draft.lookup(path);
  if (found?.entry.kind === "directory") return [];
  if (found !== undefined) throw new OperationError("step-failed", `mkdir /${path}: not a directory`);
  const above = makeDirectories(draft, parentPath(path), mode, stamp);
  makeOneDirectory(draft, path, mode, stamp);
  return [...above, path];
}

/** Makes a directory in one that is there. */
export function makeOneDirectory(draft: TreeDraft, path: string, mode: number, stamp: Stamp): void {
  const group = groupHandedDown(draft, path);
  draft.makeDirectory(path, (mode & 0o777) | (group === undefined ? 0 : SET_GROUP));
  draft.amend(path, { ...(group !== undefined && { gid: group }), ...stampOf(stamp) });
}

/** Whose all is that is made at `path` and given to nobody, as the kernel has it; undefined where the directory above says nothing of it. */
export function groupHandedDown(draft: TreeDraft, path: string): number | undefined {
  const above = draft.lookup(parentPath(path))?.entry;
  return above !== undefined && (above.mode & SET_GROUP) !== 0 ? above.gid : undefined;
}

/** The part of an entry that a stamp decides. */
export function stampOf({ owner, mtimeNs }: Stamp): Partial<Pick<Entry, "uid" | "gid" | "mtimeNs">> {
  return { ...owner, ...(mtimeNs === undefined ? {} : { mtimeNs }) };
}

/** Refuses a path whose parent is missing or no directory, in the words of the system call. */
export function requireParent(draft: TreeDraft, call: string, path: string): void {
  const parent = draft.lookup(parentPath(path));
  if (parent === undefined) throw new OperationError("step-failed", `${call} /${path}: no such file or directory`);
  if (parent.entry.kind !== "directory") throw new OperationError("step-failed", `${call} /${path}: not a directory`);
}

/** Content that is in memory, as the layer that a tree reads it from. */
export function literalContent(bytes: Uint8Array): { readonly layer: Layer; readonly stored: Entry } {
  return {
    layer: { ...NO_LAYER, read: () => bytesOf(bytes), readPart: (_entry, part) => partOf(bytesOf(bytes), part), contentDigest: async () => digestOf(bytes) },
    stored: { path: "", kind: "file", mode: 0, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: bytes.byteLength },
  };
}

/** A resolved directory with one more component, which is not resolved. */
export function below(directory: string, name: string): string {
  return name === "/" || name === "." || name === "" ? directory : joinPath(directory, name);
}
