import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestOf, type Digest } from "../content/digest.ts";
import type { Clock } from "../host/clock.ts";
import { mayNotWrite } from "../host/may-not-write.ts";
import type { Workspace } from "../snapshot/workspace.ts";
import type { BuildRecord } from "./build-record.ts";
import { HistoryError } from "./history-error.ts";
import { namesIn } from "./names-in.ts";
import { parseRecord } from "./parse-record.ts";
import { RunSizes, type RunSize } from "./run-sizes.ts";
import { RunningBuilds, type LiveRun } from "./running-builds.ts";

/** A record with what lies beside it. */
export interface StoredRun {
  readonly record: BuildRecord;
  /** As EventLog writes it. */
  readonly log: string;
  /** Each attachment of the record, by its digest. */
  readonly attachments: ReadonlyMap<Digest, Uint8Array>;
}

/** How much is kept. A run goes when it is beyond both the first two, as BuildKit has it, or beyond one of the others. */
export interface HistoryBounds {
  readonly runs: number;
  readonly ageMs: number;
  readonly runsMax: number;
  readonly bytesMax: number;
}

export const HISTORY_BOUNDS: HistoryBounds = { runs: 50, ageMs: 48 * 3600 * 1000, runsMax: 1000, bytesMax: 512 * 1024 * 1024 };

const FILES = { record: "record.json", log: "log.jsonl", attachments: "attachments" } as const;
const ID_TEXT = /^[a-z0-9]{1,64}$/;

/** The folder of those that go on, beside the history's. */
const RUNNING = "running";

/** How large each run is, beside the history. */
const SIZES = "history-sizes";

/** What a history needs of a workspace. */
export type WritingPlace = Pick<Workspace, "claim" | "discard" | "drop">;

/** Builds that ended, in a folder of the state root: one directory each, which appears by one rename, whole or not at all. And those that go on. */
export class BuildHistory {
  readonly #directory: string;
  readonly #workspace: WritingPlace;
  readonly #clock: Clock;
  readonly #running: RunningBuilds;
  readonly #sizes: RunSizes;

  /** `workspace` must be on the file system of `directory`, which is made when something is saved. */
  constructor(directory: string, workspace: WritingPlace, clock: Clock) {
    this.#directory = directory;
    this.#workspace = workspace;
    this.#clock = clock;
    this.#running = new RunningBuilds(join(dirname(directory), RUNNING), workspace, clock);
    this.#sizes = new RunSizes(join(dirname(directory), SIZES), workspace);
  }

  /** Shows a run to others from now on, until it is ended there. Of its record, what is known by now. */
  begin(record: BuildRecord): LiveRun {
    return this.#running.begin(record);
  }

  /** Makes records of runs that were killed. Where nothing can be written they are shown as they are, and another does it. */
  async settle(): Promise<void> {
    try {
      for (const id of this.#running.ids()) {
        const run = this.#running.find(id);
        if (run?.record.status === "running") continue;
        if (run !== undefined) await this.save({ ...run, attachments: new Map() });
        await this.#running.remove(id);
      }
    } catch (error) {
      if (!mayNotWrite(error)) throw error;
    }
  }

  /** False, and nothing done, where a run of that id is there. */
  async save({ record, log, attachments }: StoredRun): Promise<boolean> {
    if (!ID_TEXT.test(record.id)) throw new HistoryError("damaged", `${JSON.stringify(record.id)} is no id of a build`);
    const claimed = this.#workspace.claim();
    try {
      writeFileSync(join(claimed, FILES.record), JSON.stringify(record));
      writeFileSync(join(claimed, FILES.log), log);
      mkdirSync(join(claimed, FILES.attachments));
      for (const [digest, bytes] of attachments) writeFileSync(join(claimed, FILES.attachments, fileName(digest)), bytes);
      mkdirSync(this.#directory, { recursive: true });
      return renameNew(claimed, join(this.#directory, record.id));
    } finally {
      await this.#workspace.discard(claimed);
    }
  }

  /** Of those that ended; also of records that cannot be read. */
  ids(): readonly string[] {
    return namesIn(this.#directory).filter((name) => ID_TEXT.test(name));
  }

  /** The newest first. */
  list(): readonly BuildRecord[] {
    // In this order: one that ends meanwhile is in the one or in the other.
    const running = this.#running.ids().flatMap((id) => this.#running.find(id)?.record ?? []);
    const ended = this.ids().flatMap((id) => this.#ended(id) ?? []);
    const records = new Map([...running, ...ended].map((record) => [record.id, record]));
    return [...records.values()].toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  /** Undefined where there is no such run, also since another process has just removed it. */
  find(id: string): BuildRecord | undefined {
    return ID_TEXT.test(id) ? (this.#ended(id) ?? this.#running.find(id)?.record ?? this.#ended(id)) : undefined;
  }

  #ended(id: string): BuildRecord | undefined {
    const text = this.#read(id, FILES.record);
    return text === undefined ? undefined : parseRecord(text.toString("utf8"), join(this.#directory, id));
  }

  /** Of a run that goes on, as far as it has come. */
  log(id: string): string {
    const ended = this.#read(id, FILES.log)?.toString("utf8");
    return ended ?? (ID_TEXT.test(id) ? this.#running.find(id)?.log : undefined) ?? this.#require(id, FILES.log).toString("utf8");
  }

  /** Throws HistoryError "damaged" for other bytes than the record names. */
  attachment(id: string, digest: Digest): Uint8Array {
    const bytes = this.#require(id, join(FILES.attachments, fileName(digest)));
    if (digestOf(bytes) !== digest) throw new HistoryError("damaged", `attachment ${digest} of build ${id} was damaged on the disk`);
    return bytes;
  }

  load(id: string): StoredRun {
    const record = this.find(id);
    if (record === undefined) throw missing(id);
    refuseRunning(record);
    return { record, log: this.log(id), attachments: new Map(record.attachments.map(({ digest }) => [digest, this.attachment(id, digest)])) };
  }

  /** False where it was not there. A run that goes on is refused. */
  async remove(id: string): Promise<boolean> {
    if (!ID_TEXT.test(id)) return false;
    const unended = this.#running.find(id)?.record;
    if (unended !== undefined) refuseRunning(unended);
    await this.#running.remove(id);
    try {
      await this.#workspace.drop(join(this.#directory, id));
      this.#sizes.forget(id);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /** Takes away what is beyond the bounds, the oldest first. */
  async keepWithin({ runs, ageMs, runsMax, bytesMax }: HistoryBounds): Promise<void> {
    const now = this.#clock.now().getTime();
    const newestFirst = [...this.#sizes.of(this.ids(), (id) => this.#size(id))].toSorted(([, a], [, b]) => b.endedMs - a.endedMs);
    let bytes = 0;
    for (const [position, [id, { sizeBytes, endedMs }]] of newestFirst.entries()) {
      bytes += sizeBytes;
      // The last one stays, however large.
      const isOver = position >= runsMax || (position >= runs && now - endedMs > ageMs) || (position > 0 && bytes > bytesMax);
      if (isOver) await this.remove(id);
    }
  }

  /** A directory gets its time when it is filled, at the end of the build. */
  #size(id: string): RunSize | undefined {
    const directory = join(this.#directory, id);
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    // No record is read for it: one that is damaged must not keep a build from its end.
    const files = [FILES.record, FILES.log, ...namesIn(join(directory, FILES.attachments)).map((name) => join(FILES.attachments, name))];
    const sizes = files.map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0);
    return { endedMs: stat.mtimeMs, sizeBytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  #read(id: string, file: string): Buffer | undefined {
    if (!ID_TEXT.test(id)) return undefined;
    try {
      return readFileSync(join(this.#directory, id, file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  #require(id: string, file: string): Buffer {
    const bytes = this.#read(id, file);
    if (bytes === undefined) throw missing(id);
    return bytes;
  }
}

function refuseRunning({ id, status }: BuildRecord): void {
  if (status === "running") throw new HistoryError("running", `build ${id} still runs: wait for its end, or stop it`);
}

function missing(id: string): HistoryError {
  return new HistoryError("missing-input", `no record found for ref ${JSON.stringify(id)}`);
}

function fileName(digest: Digest): string {
  return digest.replace(":", "-");
}

function renameNew(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
