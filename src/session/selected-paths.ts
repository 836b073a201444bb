import { joinPath } from "../archive/entry-path.ts";
import type { FileSystem, NamedKind } from "./file-system.ts";
import type { SelectionFilter, Verdict } from "./selection-filter.ts";
import { SessionError } from "./session-error.ts";

/** A directory on the way to the current path. */
interface Frame {
  readonly path: string;
  /** Undefined of the root, about which nothing is decided. */
  readonly verdict: Verdict | undefined;
  isSent: boolean;
  readonly names: readonly NamedKind[];
  /** Of the next name. */
  at: number;
}

/** A walk that stops at each name. Parents come first, and each directory's names in the order of their bytes. */
export class SelectedPaths {
  /** What is to be sent, after a look: mostly one path or none, and more where directories are sent for the sake of what lies in them. */
  readonly found: string[] = [];
  /** Names that were looked at so far. */
  nameCount: number = 0;
  readonly #files: FileSystem;
  readonly #excluded: ReadonlySet<string>;
  readonly #filter: SelectionFilter;
  readonly #frames: Frame[] = [];

  constructor(files: FileSystem, excluded: ReadonlySet<string>, filter: SelectionFilter) {
    this.#files = files;
    this.#excluded = excluded;
    this.#filter = filter;
    this.#enter({ path: "", verdict: undefined, isSent: true });
  }

  /** Goes to the next name; false when there is none. */
  look(): boolean {
    this.found.length = 0;
    const frame = this.#frames.at(-1);
    if (frame === undefined) return false;
    const named = frame.names[frame.at++];
    if (named === undefined) this.#frames.pop();
    else this.#lookAt(named, frame);
    return true;
  }

  #lookAt({ name, isDirectory }: NamedKind, { path: directory, verdict: above }: Frame): void {
    const path = joinPath(directory, name);
    if (this.#excluded.has(path)) return;
    const verdict = this.#filter.decide(path, above);
    if (verdict.isSelected) {
      this.#sendParents();
      this.found.push(path);
    }
    if (isDirectory && verdict.mayContain) this.#enter({ path, verdict, isSent: verdict.isSelected });
  }

  #sendParents(): void {
    for (const frame of this.#frames) {
      if (frame.isSent) continue;
      this.found.push(frame.path);
      frame.isSent = true;
    }
  }

  #enter(frame: Pick<Frame, "path" | "verdict" | "isSent">): void {
    const names = this.#namesIn(frame);
    this.nameCount += names.length;
    this.#frames.push({ ...frame, names, at: 0 });
  }

  #namesIn({ path, verdict }: Pick<Frame, "path" | "verdict">): readonly NamedKind[] {
    try {
      return this.#files.list(path) ?? [];
    } catch (error) {
      // A directory that is only looked into for exceptions may be closed to us.
      const isDenied = error instanceof SessionError && (error.cause as NodeJS.ErrnoException).code === "EACCES";
      if (isDenied && verdict?.isSelected === false) return [];
      throw error;
    }
  }
}
