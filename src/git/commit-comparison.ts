import type { Entry } from "../archive/entry.ts";
import { joinPath } from "../archive/entry-path.ts";
import { bytesOfPath, compareNames } from "../archive/path-bytes.ts";
import type { CommitEntry } from "./commit-objects.ts";
import type { CommitDirectory, CommitTree } from "./commit-tree.ts";
import { compareConverted, type Conversion, type ConversionMemory } from "./converted.ts";
import { DirectoryPass, type Changed, type Pair } from "./directory-pass.ts";
import { objectId } from "./object-id.ts";
import { GitObjectError } from "./object-reader.ts";
import { countOf, type UsedDirectory, type Verdict } from "./used-directory.ts";
import type { WorkTree } from "./work-tree.ts";

export type DifferenceReason = "not in the commit" | "not in the repository" | "missing" | "other mode" | "submodule not readable" | Exclude<Conversion, "equal">;

export interface Difference {
  /** From the top of the work tree; of what is outside, as the caller names it. */
  readonly path: string;
  readonly reason: DifferenceReason;
}

/** Far above any work tree that somebody checked out; a commit can name more, by naming one tree many times. */
const ENTRIES_MAX = 5_000_000;

/** What the comparisons of a build's directories with one commit have found. */
export class CommitComparison {
  /** Paths that were used. */
  files = 0;
  /** Of these, how many are the commit's only after git's own changes to them were taken back. */
  converted = 0;
  readonly #tree: CommitTree;
  readonly #memory: ConversionMemory;
  readonly #signal: AbortSignal;
  readonly #differences: Map<string, DifferenceReason> = new Map();
  readonly #passes: DirectoryPass<Verdict>[] = [];
  #entries = 0;

  constructor(tree: CommitTree, memory: ConversionMemory, signal: AbortSignal) {
    this.#tree = tree;
    this.#memory = memory;
    this.#signal = signal;
  }

  /** In the order of the paths' bytes; each path once. */
  get differences(): readonly Difference[] {
    return [...this.#differences].map(([path, reason]) => ({ path, reason })).toSorted((a, b) => compareNames(a.path, b.path));
  }

  /** Rejects with GitObjectError where the commit cannot be read. */
  async compare<V extends Verdict>(directory: UsedDirectory<V>): Promise<void> {
    const pass = new DirectoryPass(directory, await directory.selection(this.#tree));
    const top = await this.#tree.directory(directory.place);
    if (top !== undefined) await this.#walk(pass, { directory: top, path: "", verdict: undefined });
    await this.#compareRest(pass);
    for (const [workTree, changed] of pass.changed) await this.#compareChanged(pass, workTree, changed);
    this.#count(pass);
  }

  /** A used file that lies in no work tree. */
  noteOutside(path: string): void {
    this.files += 1;
    this.#note(path, "not in the repository");
  }

  /** One tree of the commit, then those below it, all at once: their answers come through one pipe. */
  async #walk<V extends Verdict>(pass: DirectoryPass<V>, { directory, path, verdict }: Step<V>): Promise<void> {
    this.#entries += directory.entries.size;
    if (this.#entries > ENTRIES_MAX) throw new GitObjectError("too-large", `the commit has more than ${ENTRIES_MAX} files`);
    const below: Promise<void>[] = [];
    const names = pass.directory.files.get(path);
    let met = 0;
    for (const [name, entry] of directory.entries) {
      const entryPath = joinPath(path, name);
      const used = names?.get(name);
      if (used !== undefined) {
        met += 1;
        this.#comparePair(pass, { path: entryPath, used, entry, directory });
      }
      const isDirectory = entry.kind === "directory" || entry.kind === "submodule";
      if (used !== undefined && !isDirectory) continue;
      const decided = pass.selection.decide(entryPath, verdict);
      if (!isDirectory && decided.isSelected) this.#note(pass.placed(entryPath), "missing");
      if (isDirectory && (decided.isSelected || decided.mayContain)) below.push(this.#descend(pass, { parent: directory, name, entry, path: entryPath, verdict: decided }));
    }
    if (met > 0) pass.noteMet(path, met);
    await Promise.all(below);
  }

  async #descend<V extends Verdict>(pass: DirectoryPass<V>, { parent, name, entry, path, verdict }: Descent<V>): Promise<void> {
    const directory = await this.#tree.child(parent, name, entry);
    this.#signal.throwIfAborted();
    if (directory !== undefined) await this.#walk(pass, { directory, path, verdict });
    else this.#note(pass.placed(path), "submodule not readable");
  }

  /** Used, but not met where the build would have looked in the commit. */
  async #compareRest<V extends Verdict>(pass: DirectoryPass<V>): Promise<void> {
    for (const [path, names] of pass.unmet()) {
      this.#signal.throwIfAborted();
      const directory = await this.#tree.directory(joinPlaces(pass.directory.place, path));
      for (const [name, used] of names) {
        const entry = directory?.entries.get(name);
        if (directory === undefined || entry === undefined) this.#note(pass.placed(joinPath(path, name)), "not in the commit");
        else if (!pass.isMet(path)) this.#comparePair(pass, { path: joinPath(path, name), used, entry, directory });
      }
    }
  }

  #comparePair<V extends Verdict>(pass: DirectoryPass<V>, pair: Pair): void {
    const { path, used, entry, directory } = pair;
    const isFile = entry.kind === "file" || entry.kind === "executable";
    if (used.kind !== "file" && used.kind !== "symlink") return this.#note(pass.placed(path), "not in the commit");
    if (used.kind === "file" ? !isFile : entry.kind !== "symlink") return this.#note(pass.placed(path), "other mode");
    const isEqual = entry.id === (isFile ? pass.directory.blob(used) : objectId(directory.workTree.format, "blob", bytesOfPath(used.linkname ?? "")));
    if (!isEqual && isFile) pass.noteChanged(pair, hasOtherMode(used, entry));
    else if (!isEqual) this.#note(pass.placed(path), "other content");
    else if (hasOtherMode(used, entry)) this.#note(pass.placed(path), "other mode");
  }

  async #compareChanged<V extends Verdict>(pass: DirectoryPass<V>, workTree: WorkTree, changed: readonly Changed[]): Promise<void> {
    const files = await Promise.all(changed.map(async ({ used, within, id }) => ({ within, id, content: await pass.directory.content(used) })));
    const conversions = await compareConverted(workTree, files, this.#memory, this.#signal);
    for (const [i, { path, hasOtherMode: isOther }] of changed.entries()) {
      const conversion = conversions[i] ?? "other content";
      if (conversion !== "equal") this.#note(pass.placed(path), conversion);
      else if (isOther) this.#note(pass.placed(path), "other mode");
      else if (!this.#isCounted(pass.placed(path))) this.converted += 1;
    }
  }

  #count<V extends Verdict>(pass: DirectoryPass<V>): void {
    const { files } = pass.directory;
    if (this.#passes.length === 0) this.files += countOf(files);
    else for (const [path, names] of files) for (const name of names.keys()) if (!this.#isCounted(pass.placed(joinPath(path, name)))) this.files += 1;
    this.#passes.push(pass);
  }

  /** The Dockerfile is read for itself, and once more where the context holds it. */
  #isCounted(placed: string): boolean {
    return this.#passes.some((pass) => pass.holds(placed));
  }

  #note(path: string, reason: DifferenceReason): void {
    if (!this.#differences.has(path)) this.#differences.set(path, reason);
  }
}

function hasOtherMode({ kind, mode }: Entry, entry: CommitEntry): boolean {
  return kind === "file" && ((mode & 0o100) !== 0) !== (entry.kind === "executable");
}

function joinPlaces(place: string, path: string): string {
  return path === "" ? place : joinPath(place, path);
}

interface Step<V> {
  readonly directory: CommitDirectory;
  /** From the used directory. */
  readonly path: string;
  readonly verdict: V | undefined;
}

interface Descent<V> {
  readonly parent: CommitDirectory;
  readonly name: string;
  readonly entry: CommitEntry;
  readonly path: string;
  readonly verdict: V;
}
