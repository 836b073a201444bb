import type { Digest } from "../content/digest.ts";
import type { SourceExcerpt, StepReason } from "../progress/event.ts";

/** Raised whenever older versions could not read what is written. */
export const RECORD_VERSION = 1;

/** In buildx's words; `interrupted`: its process was killed. A record with `running` is only shown, not kept. */
export type BuildStatus = "running" | "completed" | "error" | "canceled" | "interrupted";

/**
 * What became of a step: `ran` also where an input was looked at. `not-needed`: nobody asked for its result, since a cache
 * answered for what stands on it, or another step did the same work. `not-reached`: the build ended before, or goes on. `stopped`: it had begun by then.
 */
export type StepOutcome = "running" | "ran" | "cached" | "failed" | "stopped" | "not-needed" | "not-reached";

export interface StepRecord {
  readonly digest: Digest;
  readonly name: string;
  readonly outcome: StepOutcome;
  /** Why it ran, or why not; null for what is no step of a graph, such as an export. */
  readonly cache: { readonly reason: StepReason; readonly message: string } | null;
  /** RFC 3339; null for a step that did not begin. */
  readonly startedAt: string | null;
  readonly durationMs: number;
  readonly error: string | null;
}

export interface AttachmentRecord {
  readonly digest: Digest;
  /** `provenance`, `sbom`, `statement` of another kind, or `metadata`. */
  readonly type: "provenance" | "sbom" | "statement" | "metadata";
  readonly mediaType: string;
  /** Of an in-toto statement. */
  readonly predicateType: string | null;
  readonly sizeBytes: number;
  /** Which of several the statement is about; not there for a build of one platform. */
  readonly platform?: string;
}

export interface BuildFailure {
  readonly code: string;
  readonly message: string;
  /** What a person was shown before the message: the step, the end of its output, the lines. */
  readonly report: string;
  /** The step that failed, where it was one. */
  readonly step?: Digest;
  /** The lines that it is about, with the whole text around them. */
  readonly source?: SourceExcerpt;
  /** Of the command, where one failed. */
  readonly exitCode?: number;
}

/** One run of a build, as it is kept and exported. All of it was scrubbed before. */
export interface BuildRecord {
  readonly version: typeof RECORD_VERSION;
  /** Twenty-five characters; the last part of `ref`. */
  readonly id: string;
  readonly ref: string;
  /** As buildx would call it: of the repository or the directory, with the target. */
  readonly name: string;
  readonly status: BuildStatus;
  /** RFC 3339, with nanoseconds. */
  readonly startedAt: string;
  /** Of a run that goes on, now; of one that was killed, when it was heard of last. */
  readonly completedAt: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly target: string | null;
  readonly platforms: readonly string[];
  /** The request to the frontend: `target`, `build-arg:NAME`, `vcs:source` and their like. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly error: BuildFailure | null;
  readonly warnings: number;
  readonly steps: readonly StepRecord[];
  readonly materials: ReadonlyArray<{ readonly uri: string; readonly digest: string }>;
  /** Names that the image was given. */
  readonly names: readonly string[];
  /** What the names point at; null where no image was made. */
  readonly image: { readonly mediaType: string; readonly digest: Digest; readonly sizeBytes: number } | null;
  readonly attachments: readonly AttachmentRecord[];
}

const REF_PREFIX = "stemma/stemma/";

export function refOf(id: string): string {
  return REF_PREFIX + id;
}

/** As buildx counts: a step is completed when it has ended, in whatever way. */
export function stepCounts({ steps }: BuildRecord): { readonly total: number; readonly completed: number; readonly cached: number } {
  // BuildKit counts what nobody needed as cached.
  const cached = steps.filter(({ outcome }) => outcome === "cached" || outcome === "not-needed").length;
  return { total: steps.length, completed: cached + steps.filter(({ outcome }) => outcome === "ran" || outcome === "failed" || outcome === "stopped").length, cached };
}
