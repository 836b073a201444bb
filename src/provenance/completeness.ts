import type { Capture } from "./capture.ts";

/** BuildKit's verdicts by BuildKit's rules (anchor b.7). */
export interface Completeness {
  readonly request: boolean;
  readonly resolvedDependencies: boolean;
  readonly hermetic: boolean;
}

export interface RequestState {
  readonly frontend: string;
  /** True when `mode=min` left something out. */
  readonly scrubbed: boolean;
}

export function completenessOf(capture: Capture, { frontend, scrubbed }: RequestState): Completeness {
  const resolvedDependencies = !capture.incomplete && capture.locals.length === 0;
  return {
    request: frontend !== "" && !scrubbed,
    resolvedDependencies,
    hermetic: resolvedDependencies && capture.runs.every(({ network }) => network === "none"),
  };
}

/** Why a build with `complete-materials=true` fails, in BuildKit's words; undefined when it does not. */
export function incompleteMaterials(capture: Capture): string | undefined {
  if (!capture.incomplete && capture.locals.length === 0) return undefined;
  const head = "provenance materials are incomplete\n\nThe build requested complete provenance materials, but not all dependencies could be captured.";
  if (capture.locals.length === 0) return head;
  const names = [...new Set(capture.locals.map(({ name }) => name))];
  const locals = names.map((name) => `\n  - ${name === "" ? "<unnamed>" : name}\n    reason: local_source`);
  return `${head}\n\nUncaptured local sources:${locals.join("")}`;
}
