import { describeLint, describeOutline, describeTargets } from "../../src/frontend/dockerfile/subrequest-json.ts";
import { DockerfileError } from "../../src/frontend/dockerfile/dockerfile-error.ts";
import { FrontendOptionError } from "../../src/frontend/dockerfile/frontend-option-error.ts";
import { lintDockerfile, type LintResult } from "../../src/frontend/dockerfile/lint.ts";
import { outlineDockerfile } from "../../src/frontend/dockerfile/outline.ts";
import { listTargets } from "../../src/frontend/dockerfile/targets.ts";
import { difference, rangeRow, requestOf, type Difference } from "./llb-comparison.ts";
import { recordedGateway } from "./llb-gateway.ts";
import type { JsonLocation, LlbRecord, OutlineOutcome, TargetsOutcome } from "./llb-record.ts";

const never = new AbortController().signal;

/** Asks for findings, parameters and stages, where the record has the answers; nothing where all is equal. */
export async function compareSubrequests(record: LlbRecord): Promise<readonly Difference[]> {
  return [...(await compareLint(record)), ...(await compareOutline(record)), ...(await compareTargets(record))];
}

async function compareLint(record: LlbRecord): Promise<readonly Difference[]> {
  const { lint: wanted, unstable } = record.result;
  if (wanted === undefined || unstable?.includes("warnings") === true) return [];
  const result = await lintDockerfile(recordedGateway(record), requestOf(record), never);
  const warnings = result.findings.map(({ rule, message, location }) => ({ rule, detail: message, ranges: location.map(rangeRow) }));
  const found = difference("lint", warnings, (wanted.warnings ?? []).map((warning) => ({ ...warning, ranges: warning.ranges ?? [] })));
  if (unstable?.includes("error") === true) return found;
  return [...found, ...difference("lint", result.failure?.message, wanted.error), ...difference("lint", failureRanges(result), wanted.errorRanges ?? [])];
}

/** As the answer has them: each line once, in order. */
function failureRanges(result: LintResult): unknown {
  const { buildError } = JSON.parse(describeLint(result)) as { readonly buildError?: { readonly location?: JsonLocation } };
  return (buildError?.location?.ranges ?? []).map(({ start, end }) => ({ start: [start.line ?? 0, start.character ?? 0], end: [end.line ?? 0, end.character ?? 0] }));
}

async function compareOutline(record: LlbRecord): Promise<readonly Difference[]> {
  const { outline: wanted, unstable } = record.result;
  if (wanted === undefined || (wanted.error !== undefined && unstable?.includes("error") === true)) return [];
  const ours = await answer(async () => JSON.parse(describeOutline(await outlineDockerfile(recordedGateway(record), requestOf(record), () => undefined, never))) as OutlineOutcome);
  const declared = declaredOften(record);
  return difference("outline", stableOrder(ours, declared), stableOrder(wanted, declared));
}

/** Go looks at what a stage depends on in any order, and at what stands on one line; the file itself is not in the records. */
function stableOrder({ args, secrets, ssh, ...rest }: OutlineOutcome, declaredOften: ReadonlySet<string>): unknown {
  const { sources: _sources, ...others } = rest as OutlineOutcome & { readonly sources?: unknown };
  const line = ({ location }: { readonly location?: JsonLocation }): number => location?.ranges[0]?.start.line ?? 0;
  const sorted = (list: OutlineOutcome["args"]): OutlineOutcome["args"] => list?.toSorted((a, b) => line(a) - line(b) || (a.name < b.name ? -1 : 1));
  const plainArgs = args?.map((arg) => (declaredOften.has(arg.name) ? { name: arg.name } : arg));
  return { ...others, args: sorted(plainArgs), secrets: sorted(secrets), ssh: sorted(ssh) };
}

/** Arguments of several stages: which one is shown is left to chance. */
function declaredOften({ case: { dockerfile = "" } }: LlbRecord): ReadonlySet<string> {
  const stages = dockerfile.slice(Math.max(dockerfile.search(/^FROM/im), 0));
  const names = [...stages.matchAll(/^\s*ARG\s+(\w+)/gim)].map(([, name = ""]) => name);
  return new Set(names.filter((name, at) => names.indexOf(name) !== at));
}

async function compareTargets(record: LlbRecord): Promise<readonly Difference[]> {
  const { targets: wanted, unstable } = record.result;
  if (wanted === undefined || wanted.panic !== undefined || (wanted.error !== undefined && unstable?.includes("error") === true)) return [];
  const ours: TargetsOutcome = await answer(async () => JSON.parse(describeTargets(await listTargets(recordedGateway(record), requestOf(record), never))) as TargetsOutcome);
  return difference("targets", { targets: ours.targets ?? undefined, error: ours.error }, { targets: wanted.targets ?? undefined, error: wanted.error });
}

async function answer<Answer extends object>(ask: () => Promise<Answer>): Promise<Answer | { readonly error: string }> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DockerfileError || error instanceof FrontendOptionError) return { error: error.message };
    throw error;
  }
}
