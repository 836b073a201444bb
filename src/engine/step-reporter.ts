import { digestOf, type Digest } from "../content/digest.ts";
import { originalError } from "../content/original-error.ts";
import type { Clock } from "../host/clock.ts";
import { STOPPED, type ReportEvent, type StepGroup } from "../progress/event.ts";
import { LastLines } from "../progress/last-lines.ts";
import { stepGroup } from "../progress/step-groups.ts";
import { VertexError } from "../solver/vertex-error.ts";
import { SPARED, type ExplainedStep } from "./step-reason.ts";

/** A step with what it stands on. */
export interface PlannedStep {
  readonly digest: Digest;
  readonly name: string;
  readonly inputs: ReadonlyArray<{ readonly digest: Digest }>;
  readonly metadata: { readonly progressGroup?: StepGroup | undefined };
}

export interface BegunPart {
  readonly id: string;
  /** So many bytes more. */
  readonly passed: (bytes: number) => void;
  /** So many bytes in all: fewer than before where the work begins anew. */
  readonly reached: (bytes: number) => void;
  readonly end: () => void;
  /** It does not come to its end: nobody wants it any more, or it failed. */
  readonly breakOff: (failure?: unknown) => void;
}

/** How often a part tells how far it is: who watches sees it move, and who keeps it does not drown in it. */
const TOLD_EVERY_MS = 200;

/** Turns work into the events of one step. */
export class StepReporter {
  readonly #report: ReportEvent;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #planned = new Map<Digest, PlannedStep>();
  readonly #begun = new Set<Digest>();
  readonly #ended = new Map<Digest, "ran" | "cached" | "failed">();
  /** How many parts go on of steps that had ended. */
  readonly #resumed = new Map<Digest, number>();
  /** Of steps that run. */
  readonly #lastLines = new Map<Digest, LastLines>();
  #failedName: string | undefined;

  constructor(report: ReportEvent, clock: Clock, signal: AbortSignal) {
    this.#report = report;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** What a step that failed printed last. */
  lastLines(step: Digest): readonly string[] {
    return this.#lastLines.get(step)?.lines ?? [];
  }

  /** The step that failed first. */
  get failedName(): string | undefined {
    return this.#failedName;
  }

  /** Steps that may come. Each is told once, however many graphs it is in. */
  planned(steps: Iterable<PlannedStep>): void {
    for (const step of steps) {
      const { digest, name, inputs, metadata: { progressGroup } } = step;
      if (this.#planned.has(digest)) continue;
      this.#planned.set(digest, step);
      this.#report({ kind: "step-planned", step: digest, name, inputs: inputs.map((input) => input.digest), ...stepGroup(progressGroup), at: this.#clock.now() });
    }
  }

  /** Work that is no vertex of a graph, such as an export. */
  async work<T>(name: string, run: (step: Digest) => Promise<T>): Promise<T> {
    const step = digestOf(Buffer.from(name));
    return await this.step({ digest: step, name }, () => run(step));
  }

  /** The same of what the build goes on without: that it failed is no failure of the build. */
  async attempt<T>(name: string, run: (step: Digest) => Promise<T>): Promise<T> {
    const step = digestOf(Buffer.from(name));
    return await this.step({ digest: step, name }, () => run(step), "goes on");
  }

  async step<T>({ digest, name }: { readonly digest: Digest; readonly name: string }, run: () => Promise<T>, build: "fails with it" | "goes on" = "fails with it"): Promise<T> {
    const startedAt = this.#clock.now();
    this.#begun.add(digest);
    this.#lastLines.set(digest, new LastLines(startedAt));
    this.#report({ kind: "step-started", step: digest, name, at: startedAt });
    try {
      const result = await run();
      this.#lastLines.delete(digest);
      this.#ended.set(digest, "ran");
      this.#report({ kind: "step-finished", step: digest, at: this.#clock.now() });
      return result;
    } catch (error) {
      this.#failed({ digest, name }, error, build);
      throw error;
    }
  }

  /** Work before a step. It is told only where it fails, such as for what is not there; to be stopped since another failed is no failure. */
  async prelude<T>({ digest, name }: { readonly digest: Digest; readonly name: string }, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof VertexError) throw error;
      this.#report({ kind: "step-started", step: digest, name, at: this.#clock.now() });
      this.#failed({ digest, name }, error);
      throw error;
    }
  }

  cached({ digest, name }: { readonly digest: Digest; readonly name: string }): void {
    // A vertex may be found more than once on the way: by two keys, and for two platforms.
    if (this.#ended.has(digest)) return;
    this.#begun.add(digest);
    this.#ended.set(digest, "cached");
    this.#report({ kind: "step-cached", step: digest, name, at: this.#clock.now() });
  }

  /** Tells that what a step named was there, when somebody needs it. */
  loaded({ digest, name }: { readonly digest: Digest; readonly name: string }): void {
    if (this.#ended.get(digest) !== "ran") return;
    this.#ended.set(digest, "cached");
    this.#report({ kind: "step-cached", step: digest, name, at: this.#clock.now() });
  }

  /** Tells as cached, as BuildKit does, what steps that ran or were found stand on, and nobody asked for. */
  spared(): void {
    const seen = new Set<Digest>();
    for (const stack = [...this.#begun]; stack.length > 0; ) {
      const step = this.#planned.get(stack.pop() ?? "" as Digest);
      if (step === undefined || seen.has(step.digest)) continue;
      seen.add(step.digest);
      stack.push(...step.inputs.map(({ digest }) => digest));
      if (this.#begun.has(step.digest)) continue;
      this.cached(step);
      this.explained(step.digest, SPARED);
    }
  }

  explained(step: Digest, { reason, message }: ExplainedStep): void {
    this.#report({ kind: "step-explained", step, reason, message, at: this.#clock.now() });
  }

  /** A part of a step that has come to its end: a layer, a manifest. */
  finished(step: Digest, id: string, sizeBytes: number | undefined): void {
    this.#report({ kind: "step-progress", step, id, doneBytes: sizeBytes ?? 0, totalBytes: sizeBytes, finished: true, at: this.#clock.now() });
  }

  /** Tells that a part of a step begins. */
  begin(step: Digest, id: string, totalBytes?: number): BegunPart {
    let doneBytes = 0;
    let toldMs = 0;
    const tell = (finished: boolean): void => {
      const at = this.#clock.now();
      toldMs = at.getTime();
      this.#report({ kind: "step-progress", step, id, doneBytes, totalBytes, finished, at });
    };
    const reached = (bytes: number): void => {
      doneBytes = bytes;
      if (this.#clock.now().getTime() - toldMs >= TOLD_EVERY_MS) tell(false);
    };
    tell(false);
    return { id, reached, passed: (bytes) => reached(doneBytes + bytes), end: () => tell(true), breakOff: () => tell(false) };
  }

  /** The same of a step that may have ended: what it names is moved when it is needed. As long as a part goes on, so does the step, and it fails with it. */
  resume(step: Digest, id: string, totalBytes: number): BegunPart {
    const planned = this.#planned.get(step);
    // What a cache answered for stays cached.
    if (planned === undefined || this.#ended.get(step) !== "ran") return this.begin(step, id, totalBytes);
    const goingOn = (change: 1 | -1): number => {
      const count = (this.#resumed.get(step) ?? 0) + change;
      this.#resumed.set(step, count);
      return count;
    };
    const closed = (): void => void (goingOn(-1) === 0 && this.#ended.get(step) === "ran" && this.#report({ kind: "step-finished", step, at: this.#clock.now() }));
    if (goingOn(1) === 1) this.#report({ kind: "step-started", step, name: planned.name, at: this.#clock.now() });
    const part = this.begin(step, id, totalBytes);
    return {
      ...part,
      end() {
        part.end();
        closed();
      },
      breakOff: (failure) => {
        part.breakOff();
        if (failure !== undefined && this.#ended.get(step) === "ran") {
          this.#ended.set(step, "failed");
          this.#failed(planned, failure);
        }
        closed();
      },
    };
  }

  /** Work that is a part of a step, told when it begins and when it ends, however it does. */
  async part<T>(step: Digest, id: string, run: () => Promise<T>): Promise<T> {
    const begun = this.begin(step, id);
    try {
      return await run();
    } finally {
      begun.end();
    }
  }

  #failed({ digest, name }: { readonly digest: Digest; readonly name: string }, failure: unknown, build: "fails with it" | "goes on" = "fails with it"): void {
    const error = originalError(failure);
    // Where another step fails, or the build is aborted, this one is stopped with that as the reason.
    const isStopped = (error instanceof VertexError && error.vertex !== digest) || (this.#signal.aborted && error === this.#signal.reason);
    if (!isStopped && build !== "goes on") this.#failedName ??= name;
    this.#report({ kind: "step-failed", step: digest, message: isStopped ? STOPPED : ownMessage(error), at: this.#clock.now() });
  }

  output(step: Digest, stream: "stdout" | "stderr", bytes: Uint8Array): void {
    const at = this.#clock.now();
    this.#lastLines.get(step)?.add(bytes, at);
    this.#report({ kind: "step-output", step, stream, bytes, at });
  }
}

/** What a step failed with itself: BuildKit's solver says only to who asked for it what that was for. */
function ownMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/^failed to (?:compute|load) cache key: /, "");
}
