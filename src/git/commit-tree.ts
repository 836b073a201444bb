import { join } from "node:path";
import type { Environment } from "../host/environment.ts";
import { baseName, joinPath, parentPath } from "../archive/entry-path.ts";
import { pathOfBytes } from "../archive/path-bytes.ts";
import { parseTree, treeOfCommit, type CommitEntries, type CommitEntry } from "./commit-objects.ts";
import { GitObjectError } from "./object-reader.ts";
import { isWorkTree, openWorkTree, type WorkTree } from "./work-tree.ts";

/** A directory as a commit has it. Below a submodule it is a directory of the submodule's commit. */
export interface CommitDirectory {
  readonly workTree: WorkTree;
  /** From the top of the outermost work tree, "" for that. */
  readonly path: string;
  /** From the top of `workTree`. */
  readonly within: string;
  /** Of its tree object. */
  readonly id: string;
  /** Read when first asked for. Rejects with GitObjectError. */
  entries(): Promise<CommitEntries>;
}

/**
 * The files of a commit and of the submodules that it records. All of it is proved by hashes from the commit's id
 * down: no index, no replacement, no link to another store of objects can make it look otherwise.
 */
export class CommitTree implements AsyncDisposable {
  readonly #commit: string;
  readonly #outermost: WorkTree;
  readonly #env: Environment;
  readonly #signal: AbortSignal;
  readonly #submodules: Map<string, Promise<CommitDirectory | undefined>> = new Map();
  readonly #directories: Map<string, Promise<CommitDirectory | undefined>> = new Map();
  readonly #opened = new AsyncDisposableStack();
  /** Submodules are opened one after the other: each is a process. */
  #opening: Promise<unknown> = Promise.resolve();

  constructor(commit: string, { outermost, env }: { readonly outermost: WorkTree; readonly env: Environment }, signal: AbortSignal) {
    this.#commit = commit;
    this.#outermost = outermost;
    this.#env = env;
    this.#signal = signal;
  }

  /** By path from the top of the outermost work tree; remembered. Undefined where the commit has no such directory, or a submodule that cannot be read. Rejects with GitObjectError. */
  async directory(path: string): Promise<CommitDirectory | undefined> {
    let directory = this.#directories.get(path);
    if (directory === undefined) this.#directories.set(path, (directory = this.#find(path)));
    return await directory;
  }

  /** Undefined for what is no symbolic link. Rejects with GitObjectError. */
  async linkTarget(path: string): Promise<string | undefined> {
    const directory = await this.directory(parentPath(path));
    const entry = (await directory?.entries())?.get(baseName(path));
    if (directory === undefined || entry?.kind !== "symlink") return undefined;
    return pathOfBytes(await directory.workTree.objects.read(entry.id, "blob"));
  }

  /** Below a directory that is known already; not remembered. Of what the directory holds itself, nothing is read. Undefined for a submodule that cannot be read. Rejects with GitObjectError. */
  async child(parent: CommitDirectory, name: string, { kind, id }: CommitEntry): Promise<CommitDirectory | undefined> {
    const path = joinPath(parent.path, name);
    if (kind === "submodule") return await this.#submodule(path, id);
    return directoryOf(parent.workTree, { path, within: joinPath(parent.within, name), id });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opening;
    await this.#opened.disposeAsync();
  }

  async #find(path: string): Promise<CommitDirectory | undefined> {
    if (path === "") return await top(this.#outermost, { path, commit: this.#commit });
    const name = baseName(path);
    const parent = await this.directory(parentPath(path));
    const entry = (await parent?.entries())?.get(name);
    if (parent === undefined || (entry?.kind !== "directory" && entry?.kind !== "submodule")) return undefined;
    return await this.child(parent, name, entry);
  }

  async #submodule(path: string, commit: string): Promise<CommitDirectory | undefined> {
    let submodule = this.#submodules.get(path);
    if (submodule === undefined) {
      submodule = this.#opening.then(() => this.#openSubmodule(path, commit));
      this.#opening = submodule.catch(() => undefined);
      this.#submodules.set(path, submodule);
    }
    return await submodule;
  }

  async #openSubmodule(path: string, commit: string): Promise<CommitDirectory | undefined> {
    const claim = { root: join(this.#outermost.root, path), commit, env: this.#env };
    if (!(await isWorkTree(claim, this.#signal))) return undefined;
    const workTree = this.#opened.use(openWorkTree(claim, this.#signal));
    try {
      return await top(workTree, { path, commit });
    } catch (error) {
      // Checked out at another commit, and the recorded one was never fetched.
      if (error instanceof GitObjectError && error.code === "missing") return undefined;
      throw error;
    }
  }
}

async function top(workTree: WorkTree, { path, commit }: { readonly path: string; readonly commit: string }): Promise<CommitDirectory> {
  return directoryOf(workTree, { path, within: "", id: treeOfCommit(await workTree.objects.read(commit, "commit")) });
}

function directoryOf(workTree: WorkTree, place: Pick<CommitDirectory, "path" | "within" | "id">): CommitDirectory {
  const read = async (): Promise<CommitEntries> => parseTree(await workTree.objects.read(place.id, "tree"), workTree.format);
  let entries: Promise<CommitEntries> | undefined;
  return { ...place, workTree, entries: async () => await (entries ??= read()) };
}
