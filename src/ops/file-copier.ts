import type { Entry } from "../archive/entry.ts";
import { baseName, joinPath } from "../archive/entry-path.ts";
import { matcherOf, type ParentMatch, type PatternMatcher } from "../pattern/pattern-matcher.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { TreeDraft } from "../snapshot/tree-draft.ts";
import type { TreeNode } from "../snapshot/tree-node.ts";
import { isBare } from "../snapshot/tree-place.ts";
import type { TreeView } from "../snapshot/tree-view.ts";
import type { FileMode } from "./file-mode.ts";
import { stampOf, type Stamp } from "./file-target.ts";
import { OperationError } from "./operation-error.ts";

export interface CopyRules {
  readonly stamp: Stamp;
  /** The time of a directory that no layer tells of, such as the root: in BuildKit it was made when its tree was. */
  readonly nowNs: bigint;
  /** Undefined: the mode of what is copied. */
  readonly mode: FileMode | undefined;
  /** Relative to what is copied; none of the first means everything. */
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
  /** Whatever is in the way of a copy goes, where otherwise it would be an error. Directories are merged all the same. */
  readonly replaceExisting: boolean;
}

/** A directory on the way to what is being copied. */
interface Above {
  readonly source: TreeNode;
  readonly target: string;
  isMade: boolean;
}

/** Where a step of the copy is. */
interface Position {
  /** Path in the source tree, without links on the way. */
  readonly source: string;
  /** The same relative to what is copied; "" is that itself. */
  readonly relative: string;
  readonly target: string;
  readonly include: ParentMatch | undefined;
  readonly exclude: ParentMatch | undefined;
}

/** What patterns say of a directory. */
interface DirectoryChoice {
  readonly isIncluded: boolean;
  /** Nothing below it is copied either. */
  readonly isClosed: boolean;
}

/**
 * Copies one file or one directory with all below it, as BuildKit does: links are copied as links, files
 * with several names keep them, directories are merged, and a directory that was there at the top keeps
 * its metadata, while those below take over the copied ones'.
 */
export class FileCopier {
  readonly #source: TreeView;
  readonly #draft: TreeDraft;
  readonly #rules: CopyRules;
  readonly #include: PatternMatcher | undefined;
  readonly #exclude: PatternMatcher | undefined;
  readonly #above: Above[] = [];
  /** The first copy of each file, for its other names. */
  readonly #copies: Map<object, string> = new Map();
  readonly #slice: TimeSlice = new TimeSlice();

  constructor(source: TreeView, draft: TreeDraft, rules: CopyRules) {
    this.#source = source;
    this.#draft = draft;
    this.#rules = rules;
    this.#include = matcherOf("includepatterns", rules.includePatterns);
    this.#exclude = matcherOf("excludepatterns", rules.excludePatterns);
  }

  /** Both paths have been resolved; `target` is the copy's own path, in a directory that is there. */
  async copy(source: string, target: string, signal: AbortSignal): Promise<void> {
    await this.#copyAt({ source, relative: "", target, include: undefined, exclude: undefined }, signal);
  }

  /** Returns at once for all but a directory. */
  #copyAt(position: Position, signal: AbortSignal): Promise<void> | undefined {
    const { source, relative, target } = position;
    const node = this.#source.lookup(source);
    if (node === undefined) throw new OperationError("missing-input", `lstat /${source}: no such file or directory`);
    const isDirectory = node.entry.kind === "directory";
    const include = relative === "" ? undefined : this.#include?.matchesUsingParent(relative, position.include);
    const exclude = relative === "" ? undefined : this.#exclude?.matchesUsingParent(relative, position.exclude);
    const isExcluded = exclude?.matched ?? false;
    const isIncluded = (include?.matched ?? true) && !isExcluded;
    if (!isIncluded && !isDirectory) return undefined;
    if (isIncluded) {
      this.#makeWay(target, isDirectory);
      this.#makeDirectoriesAbove(relative !== "");
    }
    if (!isDirectory) {
      this.#copyFile(node, target);
      return undefined;
    }
    const next = { ...position, include: include?.match, exclude: exclude?.match };
    return this.#copyDirectory(node, next, { isIncluded, isClosed: isExcluded && this.#exclude?.hasExclusions !== true }, signal);
  }

  async #copyDirectory(node: TreeNode, { source, relative, target, include, exclude }: Position, { isIncluded, isClosed }: DirectoryChoice, signal: AbortSignal): Promise<void> {
    const isNew = isIncluded && this.#makeDirectory(node, target, relative !== "");
    this.#above.push({ source: node, target, isMade: isIncluded });
    for (const child of isClosed ? [] : this.#source.children(source)) {
      if (this.#slice.isSpent) await this.#slice.renew(signal);
      const name = baseName(child.entry.path);
      const copying = this.#copyAt({ source: joinPath(source, name), relative: joinPath(relative, name), target: joinPath(target, name), include, exclude }, signal);
      if (copying !== undefined) await copying;
    }
    this.#above.pop();
    if (!isIncluded) return;
    if (isNew || relative !== "") this.#copyMetadata(node, target);
    else this.#draft.amend(target, { mtimeNs: this.#attributesOf(node.entry).mtimeNs });
  }

  /** True if there was none. Below the top a directory that was there takes the mode of the copied one at once. */
  #makeDirectory({ entry }: TreeNode, target: string, takesMetadata: boolean): boolean {
    const found = this.#draft.lookup(target);
    if (found === undefined) {
      this.#draft.makeDirectory(target, entry.mode);
      return true;
    }
    if (found.entry.kind !== "directory") throw new OperationError("step-failed", `cannot copy to non-directory: /${target}`);
    if (takesMetadata) this.#draft.amend(target, { mode: entry.mode });
    return false;
  }

  /** Directories that no pattern includes are made when something in them is. */
  #makeDirectoriesAbove(takesMetadata: boolean): void {
    for (const above of this.#above) {
      if (above.isMade) continue;
      if (this.#makeDirectory(above.source, above.target, takesMetadata)) this.#copyMetadata(above.source, above.target);
      above.isMade = true;
    }
  }

  #makeWay(target: string, isDirectory: boolean): void {
    const found = this.#draft.lookup(target)?.entry.kind;
    if (found === undefined || (isDirectory && found === "directory")) return;
    if (this.#rules.replaceExisting) this.#draft.remove(target);
    else if (!isDirectory && found === "directory") throw new OperationError("step-failed", `cannot replace to directory /${target} with file`);
    else if (!isDirectory) this.#draft.remove(target);
  }

  #copyFile(node: TreeNode, target: string): void {
    const identity = this.#source.identity(node.entry.path) ?? node;
    const first = this.#copies.get(identity);
    if (first !== undefined && node.entry.kind === "file") {
      this.#draft.link(first, target);
      return;
    }
    this.#copies.set(identity, target);
    const attributes = this.#attributesOf(node.entry);
    switch (node.entry.kind) {
      case "symlink":
        this.#draft.makeSymlink(target, node.entry.linkname ?? "", attributes);
        return;
      case "char":
      case "block":
      case "fifo":
        // BuildKit masks the bits of a socket out of what it makes, and a block device's is one of them.
        this.#draft.makeSpecial(target, node.entry.kind === "block" ? "char" : node.entry.kind, { ...attributes, ...(node.entry.device === undefined ? {} : { device: node.entry.device }) });
        return;
      case "file":
        this.#draft.writeFile(target, attributes, node);
        return;
      case "directory":
      case "hardlink":
      case "whiteout":
      case "opaque":
        throw new RangeError(`/${node.entry.path}: no file of a tree is of kind ${node.entry.kind}`);
    }
  }

  #copyMetadata({ entry }: TreeNode, target: string): void {
    const before = this.#draft.lookup(target)?.entry.xattrs;
    const { xattrs, ...attributes } = this.#attributesOf(entry);
    this.#draft.amend(target, { ...attributes, ...(xattrs === undefined ? {} : { xattrs: new Map([...(before ?? []), ...xattrs]) }) });
  }

  #attributesOf(entry: Entry): Pick<Entry, "mode" | "uid" | "gid" | "mtimeNs" | "xattrs"> {
    const { uid, gid, xattrs } = entry;
    const mtimeNs = isBare(entry) || (entry.path === "" && entry.mtimeNs === 0n) ? this.#rules.nowNs : entry.mtimeNs;
    const mode = this.#rules.mode?.apply(entry.mode, entry.kind === "directory" ? "directory" : "other") ?? entry.mode;
    return { uid, gid, mtimeNs, mode, ...stampOf(this.#rules.stamp), ...(xattrs === undefined ? {} : { xattrs }) };
  }
}
