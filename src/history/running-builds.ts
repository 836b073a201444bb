import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, rmdirSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { rfc3339Nano } from "../content/timestamp.ts";
import type { Clock } from "../host/clock.ts";
import { removeTree } from "../snapshot/remove-tree.ts";
import type { Workspace } from "../snapshot/workspace.ts";
import { tryLock } from "../syscall/lock.ts";
import { openIfThere } from "../syscall/open-if-there.ts";
import type { BuildRecord } from "./build-record.ts";
import { parseEventLog } from "./event-log.ts";
import { namesIn } from "./names-in.ts";
import { parseRecord } from "./parse-record.ts";
import { StepRecorder, type GraphStep } from "./step-record.ts";

const FILES = { record: "record.json", log: "log.jsonl" } as const;

/** What is there of a run that has not ended by itself. */
export interface UnendedRun {
  /** `running`, or `interrupted` where its process is gone. */
  readonly record: BuildRecord;
  /** As EventLog writes it, as far as it came. */
  readonly log: string;
}

/** What a run tells of itself while it goes. Nothing of it can fail: where there is no room for it, others see less. */
export interface LiveRun {
  append(line: string): void;
  /** More is known than when it began. */
  update(record: BuildRecord): void;
  /** For when the history has it, or nothing can be done. */
  end(): void;
}

/**
 * Runs that go on now, each a directory with its record and its log. Its process holds a lock on the log, which the kernel takes back
 * however it ends: whoever finds it free knows that the run was killed.
 */
export class RunningBuilds {
  readonly #directory: string;
  readonly #workspace: Pick<Workspace, "claim">;
  readonly #clock: Clock;

  constructor(directory: string, workspace: Pick<Workspace, "claim">, clock: Clock) {
    this.#directory = directory;
    this.#workspace = workspace;
    this.#clock = clock;
  }

  begin(record: BuildRecord): LiveRun {
    const path = join(this.#directory, record.id);
    let fd = this.#open(record, path);
    const unlessItFails = (write: (fd: number) => void): void => {
      if (fd === undefined) return;
      try {
        write(fd);
      } catch (error) {
        end();
        requireRefusal(error);
      }
    };
    const end = (): void => {
      if (fd === undefined) return;
      const held = fd;
      fd = undefined;
      try {
        // The record first: a run without one is none, whoever holds its lock.
        for (const name of [FILES.record, FILES.log]) unlinkSync(join(path, name));
        rmdirSync(path);
      } catch (error) {
        // Whoever looks next finds it without its process.
        requireRefusal(error);
      } finally {
        closeSync(held);
      }
    };
    return {
      append: (line) => unlessItFails((to) => void writeSync(to, line)),
      update: (newer) => unlessItFails(() => {
        writeFileSync(join(path, `${FILES.record}.new`), JSON.stringify(newer));
        renameSync(join(path, `${FILES.record}.new`), join(path, FILES.record));
      }),
      end,
    };
  }

  /** Whole, and locked, before others see it. */
  #open(record: BuildRecord, path: string): number | undefined {
    let [claimed, fd]: [string | undefined, number | undefined] = [undefined, undefined];
    try {
      claimed = this.#workspace.claim();
      fd = openSync(join(claimed, FILES.log), "ax");
      tryLock(fd, "exclusive");
      writeFileSync(join(claimed, FILES.record), JSON.stringify(record));
      mkdirSync(this.#directory, { recursive: true });
      renameSync(claimed, path);
      return fd;
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      if (claimed !== undefined) rmSync(claimed, { recursive: true, force: true });
      requireRefusal(error);
      return undefined;
    }
  }

  ids(): readonly string[] {
    return namesIn(this.#directory);
  }

  /** Undefined where there is no such run, or not any more. */
  find(id: string): UnendedRun | undefined {
    const path = join(this.#directory, id);
    const fd = openIfThere(join(path, FILES.log));
    if (fd === undefined) return undefined;
    try {
      // Shared: of two that look at once, neither takes the other for the run's own process.
      const isKilled = tryLock(fd, "shared");
      const record = readIfThere(join(path, FILES.record));
      return record === undefined ? undefined : this.#described(parseRecord(record, path), fd, isKilled);
    } finally {
      closeSync(fd);
    }
  }

  /** For a run that is in the history, or was never whole. */
  async remove(id: string): Promise<void> {
    await removeTree(join(this.#directory, id));
  }

  #described(begun: BuildRecord, fd: number, isKilled: boolean): UnendedRun {
    const text = readFileSync(fd, "utf8");
    // The last line may be on its way, or cut off.
    const log = text.slice(0, text.lastIndexOf("\n") + 1);
    const endMs = isKilled ? fstatSync(fd).mtimeMs : undefined;
    const endNs = endMs === undefined ? this.#clock.nowNs() : BigInt(Math.round(endMs * 1000)) * 1000n;
    const steps = new StepRecorder();
    const planned: GraphStep[] = [];
    for (const event of parseEventLog(log)) {
      steps.add(event);
      if (event.kind === "step-planned") planned.push({ digest: event.step, name: event.name });
    }
    const status = isKilled ? "interrupted" : "running";
    const at = new Date(Number(endNs / 1_000_000n));
    return { log, record: { ...begun, status, completedAt: rfc3339Nano(endNs), warnings: steps.warnings, steps: steps.records(planned, status, at), error: isKilled ? INTERRUPTED : null } };
  }
}

const INTERRUPTED = { code: "interrupted", message: "the process of this build ended before the build did: it was killed, or the machine stopped", report: "" };

/** Throws what is not the system's own no, such as for want of room or of a right: that is a fault of ours. */
function requireRefusal(error: unknown): void {
  if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
