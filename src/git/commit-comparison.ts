import { joinPath } from "../archive/entry-path.ts";
import { bytesOfPath, compareNames } from "../archive/path-bytes.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { CommitEntry } from "./commit-objects.ts";
import type { CommitDirectory, CommitTree } from "./commit-tree.ts";
import { compareConverted, type Conversion, type ConversionMemory } from "./converted.ts";
import { DirectoryPass, type Changed, type Pair } from "./directory-pass.ts";
import { objectId } from "./object-id.ts";
import { GitObjectError } from "./object-reader.ts";
import { isExecutable, usedPaths, type BlobOf, type Selection, type UsedPlace, type Verdict } from "./used-directory.ts";
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
  readonly #slice = new TimeSlice();
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
  async compare<V extends Verdict>(pass: DirectoryPass<V>): Promise<void> {
    const directory = await this.#tree.directory(pass.directory.place);
    if (directory === undefined) this.#noteAll(pass, await pass.directory.top(), "");
    else if (!pass.isWhole("", directory)) {
      const selection = await pass.directory.selection(this.#tree);
      await this.#walk({ pass, selection }, { directory, used: await pass.directory.top(), path: "", verdict: undefined, isLookedFor: true });
    }
    for (const [workTree, changed] of pass.changed) await this.#compareChanged(pass, workTree, changed);
    await this.#count(pass);
  }

  /** A used file that lies in no work tree. */
  noteOutside(path: string): void {
    this.files += 1;
    this.#note(path, "not in the repository");
  }

  /** One tree of the commit, then those below it, all at once: their answers come through one pipe. */
  async #walk<V extends Verdict>(walk: Walk<V>, step: Step<V>): Promise<void> {
    const { directory, used, path } = step;
    const entries = await directory.entries();
    this.#entries += entries.size;
    if (this.#entries > ENTRIES_MAX) throw new GitObjectError("too-large", `the commit has more than ${ENTRIES_MAX} files`);
    const blobOf = await walk.pass.directory.blobs([...entries].flatMap(([name, entry]) => comparedFile(entry, used?.children?.get(name))));
    const below: Promise<void>[] = [];
    for (const [name, entry] of entries) {
      if (this.#slice.isSpent) await this.#slice.renew(this.#signal);
      const child = used?.children?.get(name);
      if (child !== undefined && child.children === undefined) this.#comparePair(walk.pass, { parent: path, name, used: child, entry, directory }, blobOf);
      if (entry.kind === "directory" || entry.kind === "submodule") below.push(this.#descend(walk, step, { name, entry, child }));
      else if (child === undefined || child.children !== undefined) this.#noteUnused(walk, step, { name, entry, child });
    }
    for (const [name, child] of used?.children ?? []) if (!entries.has(name)) this.#noteAll(walk.pass, child, joinPath(path, name));
    await Promise.all(below);
  }

  async #descend<V extends Verdict>({ pass, selection }: Walk<V>, step: Step<V>, { name, entry, child }: Meeting): Promise<void> {
    const path = joinPath(step.path, name);
    const used = child !== undefined && pass.filesBelow(path) > 0 ? child : undefined;
    if (used !== undefined && entry.kind === "directory" && pass.isWhole(path, entry)) return;
    const verdict = selection.decide(path, step.verdict);
    const isLookedFor = step.isLookedFor && (verdict.isSelected || verdict.mayContain);
    if (used === undefined && !isLookedFor) return;
    const directory = await this.#tree.child(step.directory, name, entry);
    this.#signal.throwIfAborted();
    if (directory === undefined && isLookedFor) this.#note(pass.placed(path), "submodule not readable");
    if (directory === undefined && used !== undefined) this.#noteAll(pass, used, path);
    if (directory === undefined || (used !== undefined && pass.isWhole(path, directory))) return;
    await this.#walk({ pass, selection }, { directory, used, path, verdict, isLookedFor });
  }

  /** Of the commit's files, one that was not used, or in whose place a directory was. */
  #noteUnused<V extends Verdict>({ pass, selection }: Walk<V>, step: Step<V>, { name, child }: Meeting): void {
    const path = joinPath(step.path, name);
    if (step.isLookedFor && selection.decide(path, step.verdict).isSelected) this.#note(pass.placed(path), "missing");
    if (child !== undefined) this.#noteAll(pass, child, path);
  }

  /** Nothing of it is in the commit. */
  #noteAll<V extends Verdict>(pass: DirectoryPass<V>, used: UsedPlace, path: string): void {
    if (used.children === undefined) this.#note(pass.placed(path), "not in the commit");
    for (const below of usedPaths(used, path)) this.#note(pass.placed(below), "not in the commit");
  }

  #comparePair<V extends Verdict>(pass: DirectoryPass<V>, pair: Pair, blobOf: BlobOf): void {
    const { parent, name, used, entry, directory } = pair;
    const { kind, mode, linkname = "" } = used.entry;
    const note = (reason: DifferenceReason): void => this.#note(pass.placed(joinPath(parent, name)), reason);
    const isFile = isFileEntry(entry);
    if (kind !== "file" && kind !== "symlink") return note("not in the commit");
    if (kind === "file" ? !isFile : entry.kind !== "symlink") return note("other mode");
    const isEqual = entry.id === (isFile ? blobOf(used) : objectId(directory.workTree.format, "blob", bytesOfPath(linkname)));
    const hasOtherMode = isFile && isExecutable(mode) !== (entry.kind === "executable");
    if (!isEqual && isFile) pass.noteChanged(pair, hasOtherMode);
    else if (!isEqual) note("other content");
    else if (hasOtherMode) note("other mode");
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

  async #count<V extends Verdict>(pass: DirectoryPass<V>): Promise<void> {
    if (this.#passes.length === 0) this.files += pass.files;
    else for await (const path of pass.paths()) if (!this.#isCounted(path)) this.files += 1;
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

function isFileEntry({ kind }: CommitEntry): boolean {
  return kind === "file" || kind === "executable";
}

/** A file that is one on both sides, so that their contents are compared. */
function comparedFile(entry: CommitEntry, used: UsedPlace | undefined): readonly UsedPlace[] {
  return used?.entry.kind === "file" && isFileEntry(entry) ? [used] : [];
}

interface Walk<V extends Verdict> {
  readonly pass: DirectoryPass<V>;
  readonly selection: Selection<V>;
}

interface Step<V> {
  readonly directory: CommitDirectory;
  /** What was used of it; undefined for nothing. */
  readonly used: UsedPlace | undefined;
  /** From the used directory. */
  readonly path: string;
  readonly verdict: V | undefined;
  /** False where the build would not have come, so that nothing is missing. */
  readonly isLookedFor: boolean;
}

/** A name in a directory of the commit. */
interface Meeting {
  readonly name: string;
  readonly entry: CommitEntry;
  /** What was used under that name. */
  readonly child: UsedPlace | undefined;
}
