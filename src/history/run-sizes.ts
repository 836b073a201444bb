import { appendFileSync, readFileSync, renameSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Workspace } from "../snapshot/workspace.ts";

export interface RunSize {
  readonly sizeBytes: number;
  readonly endedMs: number;
}

const LINE = /^([a-z0-9]+) (\d+) (\d+(?:\.\d+)?)$/;
const GONE = /^([a-z0-9]+) gone$/;
/** Beyond the runs that there are: rewriting for each that goes would cost what is saved. */
const LINES_SPARE = 200;

/**
 * How large ended runs are, in one file: to look at every file of thousands takes long, and what is in a run never changes. Processes append to it
 * at the same time; a line that gets lost is measured anew.
 */
export class RunSizes {
  readonly #path: string;
  readonly #workspace: Pick<Workspace, "claim">;

  constructor(path: string, workspace: Pick<Workspace, "claim">) {
    this.#path = path;
    this.#workspace = workspace;
  }

  /** Of these runs; those that are not in the file are measured, and written down. What cannot be measured is gone. */
  of(ids: readonly string[], measure: (id: string) => RunSize | undefined): ReadonlyMap<string, RunSize> {
    const { known, lineCount } = this.#read();
    const unknown = ids.filter((id) => !known.has(id)).flatMap((id): Array<readonly [string, RunSize]> => {
      const size = measure(id);
      return size === undefined ? [] : [[id, size]];
    });
    const fresh = new Map(unknown);
    const all = new Map(ids.flatMap((id): Array<readonly [string, RunSize]> => {
      const size = known.get(id) ?? fresh.get(id);
      return size === undefined ? [] : [[id, size]];
    }));
    if (lineCount > 2 * ids.length + LINES_SPARE) this.#rewrite(all);
    else if (fresh.size > 0) this.#note(textOf(fresh));
    return all;
  }

  /** Another run may get the same id, as when it is imported again. */
  forget(id: string): void {
    this.#note(`${id} gone\n`);
  }

  /** What is not written down is measured again: a disk that is full keeps nobody from clearing away. */
  #note(lines: string): void {
    try {
      appendFileSync(this.#path, lines);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }

  #read(): { readonly known: ReadonlyMap<string, RunSize>; readonly lineCount: number } {
    const lines = readIfThere(this.#path).split("\n");
    const known = new Map<string, RunSize>();
    for (const line of lines) {
      const [, id = "", sizeBytes, endedMs] = LINE.exec(line) ?? GONE.exec(line) ?? [];
      if (sizeBytes === undefined) known.delete(id);
      else known.set(id, { sizeBytes: Number(sizeBytes), endedMs: Number(endedMs) });
    }
    return { known, lineCount: lines.length - 1 };
  }

  #rewrite(sizes: ReadonlyMap<string, RunSize>): void {
    const claimed = this.#workspace.claim();
    writeFileSync(join(claimed, "sizes"), textOf(sizes));
    renameSync(join(claimed, "sizes"), this.#path);
    rmdirSync(claimed);
  }
}

function textOf(sizes: ReadonlyMap<string, RunSize>): string {
  return [...sizes].map(([id, { sizeBytes, endedMs }]) => `${id} ${sizeBytes} ${endedMs}\n`).join("");
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
