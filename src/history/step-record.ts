import type { Digest } from "../content/digest.ts";
import { STOPPED, type BuildEvent } from "../progress/event.ts";
import type { BuildStatus, StepRecord } from "./build-record.ts";

interface Step {
  readonly name: string;
  readonly startedAt: Date | undefined;
  outcome: "running" | "ran" | "cached" | "failed";
  endedAt: Date | undefined;
  /** Between its ends and its going on again. */
  readonly pausedMs: number;
  error: string | undefined;
}

export interface GraphStep {
  readonly digest: Digest;
  readonly name: string;
}

/** Reads off the events of a build what its steps did. */
export class StepRecorder {
  readonly #steps = new Map<Digest, Step>();
  readonly #reasons = new Map<Digest, NonNullable<StepRecord["cache"]>>();
  #warnings = 0;

  get warnings(): number {
    return this.#warnings;
  }

  add(event: BuildEvent): void {
    switch (event.kind) {
      case "step-started":
        return this.#began(event.step, event.name, event.at);
      case "step-cached":
        return void this.#steps.set(event.step, { name: event.name, startedAt: event.at, outcome: "cached", endedAt: event.at, pausedMs: 0, error: undefined });
      case "step-explained":
        return void this.#reasons.set(event.step, { reason: event.reason, message: event.message });
      case "step-finished":
        return this.#ended(event.step, { outcome: "ran", at: event.at, error: undefined });
      case "step-failed":
        return this.#ended(event.step, { outcome: "failed", at: event.at, error: event.message });
      case "warning":
        this.#warnings++;
        return;
      case "step-planned":
      case "step-output":
      case "step-progress":
      case "notice":
        return;
    }
  }

  /** `graph` names the steps that there were to do; those of which nothing was heard come last. `at`: until when steps ran that did not end. */
  records(graph: readonly GraphStep[], status: BuildStatus, at?: Date): readonly StepRecord[] {
    const heard = [...this.#steps].map(([digest, step]) => this.#record(digest, { ...step, endedAt: step.endedAt ?? at }, status));
    const unheard = graph.filter(({ digest }) => !this.#steps.has(digest)).map(({ digest, name }): StepRecord => ({
      digest, name, outcome: status === "completed" ? "not-needed" : "not-reached", cache: null, startedAt: null, durationMs: 0, error: null,
    }));
    return [...heard, ...new Map(unheard.map((step) => [step.digest, step])).values()];
  }

  /** A step may begin more than once: its content is named, and later it is asked for, or moved. */
  #began(digest: Digest, name: string, at: Date): void {
    const known = this.#steps.get(digest);
    const pausedMs = known === undefined ? 0 : known.pausedMs + at.getTime() - (known.endedAt ?? at).getTime();
    this.#steps.set(digest, { name, startedAt: known?.startedAt ?? at, outcome: "running", endedAt: undefined, pausedMs, error: undefined });
  }

  #ended(digest: Digest, { outcome, at, error }: { readonly outcome: "ran" | "failed"; readonly at: Date; readonly error: string | undefined }): void {
    const step = this.#steps.get(digest);
    if (step === undefined) return;
    step.outcome = outcome;
    step.endedAt = at;
    step.error = error;
  }

  #record(digest: Digest, { name, startedAt, outcome, endedAt, pausedMs, error }: Step, status: BuildStatus): StepRecord {
    return {
      digest, name,
      // What is stopped says so as a failure of its own; what is cached for its consumers' sake was needed by nobody.
      outcome: this.#reasons.get(digest)?.reason === "not-needed" && outcome === "cached" ? "not-needed" : (outcome === "running" && status !== "running") || (outcome === "failed" && (status === "canceled" || error?.endsWith(STOPPED) === true)) ? "stopped" : outcome,
      cache: this.#reasons.get(digest) ?? null,
      startedAt: startedAt?.toISOString() ?? null,
      durationMs: startedAt === undefined || endedAt === undefined ? 0 : endedAt.getTime() - startedAt.getTime() - pausedMs,
      error: error ?? null,
    };
  }
}
