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
  const resolvedDependencies = isComplete(capture);
  return {
    request: frontend !== "" && !scrubbed,
    resolvedDependencies,
    hermetic: resolvedDependencies && capture.runs.every(({ network }) => network === "none"),
  };
}

function isComplete({ incomplete, locals, requests }: Capture): boolean {
  return !incomplete && locals.length === 0 && requests.length === 0;
}

/** Why a build with `complete-materials=true` fails, in BuildKit's words; undefined when it does not. */
export function incompleteMaterials(capture: Capture): string | undefined {
  if (isComplete(capture)) return undefined;
  const head = "provenance materials are incomplete\n\nThe build requested complete provenance materials, but not all dependencies could be captured.";
  const names = [...new Set(capture.locals.map(({ name }) => name))];
  const locals = names.map((name) => `\n  - ${name === "" ? "<unnamed>" : name}\n    reason: local_source`);
  const requests = capture.requests.map(({ op, name, method, url, reason }) => `\n  - ${name === "" ? (op ?? "a process of a frontend") : name}${line("method", method)}${line("url", url)}${line("reason", reason)}`);
  return [head, ...(locals.length === 0 ? [] : [`Uncaptured local sources:${locals.join("")}`]), ...(requests.length === 0 ? [] : [`Uncaptured requests:${requests.join("")}`])].join("\n\n");
}

function line(name: string, value: string | undefined): string {
  return value === undefined ? "" : `\n    ${name}: ${value}`;
}
