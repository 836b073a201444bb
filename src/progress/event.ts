import type { Digest } from "../content/digest.ts";

/** What a build tells while it goes. A step is an LLB vertex, or a step of our own such as an export. */
export type BuildEvent =
  /** Known, and run only if its result is needed. `inputs` are the steps that it stands on. */
  | { readonly kind: "step-planned"; readonly step: Digest; readonly name: string; readonly inputs: readonly Digest[]; readonly group?: StepGroup; readonly at: Date }
  /** Also of a step that has ended and goes on: for another platform, or since its layers are fetched now that something needs them. */
  | { readonly kind: "step-started"; readonly step: Digest; readonly name: string; readonly at: Date }
  | { readonly kind: "step-cached"; readonly step: Digest; readonly name: string; readonly at: Date }
  /** Why a step of the graph is run, or why a cache answers for it. */
  | { readonly kind: "step-explained"; readonly step: Digest; readonly reason: StepReason; readonly message: string; readonly at: Date }
  | { readonly kind: "step-output"; readonly step: Digest; readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array; readonly at: Date }
  /** Work within a step: a layer pulled, a context read, a blob pushed. `totalBytes` is undefined where nobody knows. */
  | { readonly kind: "step-progress"; readonly step: Digest; readonly id: string; readonly doneBytes: number; readonly totalBytes: number | undefined; readonly finished: boolean; readonly at: Date }
  | { readonly kind: "step-finished"; readonly step: Digest; readonly at: Date }
  | { readonly kind: "step-failed"; readonly step: Digest; readonly message: string; readonly at: Date }
  /** `step` is the one that read the file that is warned of. */
  | { readonly kind: "warning"; readonly step?: Digest; readonly rule: string; readonly message: string; readonly url: string; readonly detail: string; readonly location: WarnedExcerpt | undefined }
  /** Something that the user should know and that stops nothing, such as a weaker sandbox. With `isResult` nothing to beware of: what came of it. */
  | { readonly kind: "notice"; readonly message: string; readonly isResult?: true };

/**
 * Of a cache that answers: `unchanged`, `same-content` (an input changed of which the step uses nothing that did), `imported` (others had made it),
 * `not-needed` (it answered for what stands on the step, and nobody asked for the step's own result).
 * Of one that does not: `always` (looked at in every build), `no-cache`, `input-no-cache` (asked for on a step below), `first-run`,
 * `changed` (since its last run), `evicted` (nothing changed, and the result is gone), `unknown`.
 */
export type StepReason = "unchanged" | "same-content" | "imported" | "not-needed" | "always" | "no-cache" | "input-no-cache" | "first-run" | "changed" | "evicted" | "unknown";

/** Steps that are shown as one (BuildKit's ProgressGroup), such as a linked copy and its merge. A weak one is not worth showing by itself. */
export interface StepGroup {
  readonly id: string;
  readonly name: string;
  readonly weak: boolean;
}

export type WarningEvent = Extract<BuildEvent, { readonly kind: "warning" }>;

/** Lines of a Dockerfile that a message speaks of; lines count from 1. */
export interface SourceExcerpt {
  readonly filename: string;
  readonly text: string;
  readonly startLine: number;
  readonly endLine: number;
}

/** With how the file was read: its language, and the graph that reads it again, as BuildKit's JSON. */
export interface WarnedExcerpt extends SourceExcerpt {
  readonly language?: string;
  readonly definition?: unknown;
}

/** The message of a step that failed in nothing, but was stopped: BuildKit's clients know it by these words. */
export const STOPPED = "context canceled";

export type ReportEvent = (event: BuildEvent) => void;
