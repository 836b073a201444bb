import { pathOfBytes } from "../archive/path-bytes.ts";
import { GitObjectError } from "./object-reader.ts";
import type { ObjectFormat } from "./object-id.ts";

export type CommitEntryKind = "file" | "executable" | "symlink" | "directory" | "submodule";

/** What a tree object says of one name. */
export interface CommitEntry {
  readonly kind: CommitEntryKind;
  /** Of a blob or a tree; of a submodule, the commit of its own repository. */
  readonly id: string;
}

/** By name. */
export type CommitEntries = ReadonlyMap<string, CommitEntry>;

/** The tree that a commit object names. Throws GitObjectError "damaged". */
export function treeOfCommit(commit: Buffer): string {
  const tree = /^tree ([0-9a-f]{40,64})\n/.exec(commit.toString("latin1", 0, 80))?.[1];
  if (tree === undefined) throw new GitObjectError("damaged", "a commit names no tree");
  return tree;
}

/** `MODE NAME NUL ID`, again and again (gitformat-pack has none of it; git's own documentation of tree objects does). Throws GitObjectError "damaged". */
export function parseTree(tree: Buffer, format: ObjectFormat): CommitEntries {
  const idBytes = format === "sha256" ? 32 : 20;
  const entries = new Map<string, CommitEntry>();
  for (let at = 0; at < tree.length; ) {
    const space = tree.indexOf(" ", at);
    const nameEnd = tree.indexOf(0, space + 1);
    const end = nameEnd + 1 + idBytes;
    const kind = space === -1 || nameEnd === -1 || end > tree.length ? undefined : kindOf(tree.toString("latin1", at, space));
    if (kind === undefined) throw new GitObjectError("damaged", "a tree has an entry that cannot be read");
    entries.set(nameOf(tree, space + 1, nameEnd), { kind, id: tree.toString("hex", nameEnd + 1, end) });
    at = end;
  }
  return entries;
}

/** Almost all names are ASCII, and much faster as that. */
function nameOf(tree: Buffer, start: number, end: number): string {
  const name = tree.toString("latin1", start, end);
  // oxlint-disable-next-line no-control-regex
  return /[^\x00-\x7f]/.test(name) ? pathOfBytes(tree.subarray(start, end)) : name;
}

/** Old trees have other permissions than 644 and 755, and zeros before; git looks at the owner's right to execute. */
function kindOf(mode: string): CommitEntryKind | undefined {
  const bits = Number.parseInt(mode, 8);
  switch (bits & 0o170000) {
    case 0o040000:
      return "directory";
    case 0o100000:
      return (bits & 0o100) === 0 ? "file" : "executable";
    case 0o120000:
      return "symlink";
    case 0o160000:
      return "submodule";
    default:
      return undefined;
  }
}
