import type { Digest } from "../content/digest.ts";
import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import { usedPaths } from "../ops/file-selectors.ts";
import type { StepReason } from "../progress/event.ts";
import type { HitReason, MissReason } from "../solver/miss-reason.ts";

export interface ExplainedStep {
  readonly reason: StepReason;
  readonly message: string;
}

/** Why a step of a graph ran, in words that name its inputs. */
export function explainMiss(vertex: Digest, why: MissReason, { vertices }: LlbGraph): ExplainedStep {
  const step = vertices.get(vertex);
  const inputs = (numbers: readonly number[]): readonly LlbVertex[] => numbers.flatMap((number) => vertices.get(step?.inputs[number]?.digest ?? vertex) ?? []);
  switch (why.kind) {
    case "always":
      return { reason: "always", message: "looked at in every build" };
    case "no-cache":
      return { reason: "no-cache", message: "the cache was not to be used for it" };
    case "input-no-cache":
      return { reason: "input-no-cache", message: `it stands on ${listed(inputs(why.inputs).map(({ name }) => name))}, for which the cache was not used` };
    case "first":
      return { reason: "first-run", message: "no earlier run of it is known" };
    case "gone":
      return { reason: "evicted", message: "nothing changed since its last run, and what that made is not in the store any more" };
    case "unknown":
      return { reason: "unknown", message: "unknown" };
    case "changed":
      return { reason: "changed", message: changesOf(step, why, inputs).join("; ") };
  }
}

/** Of a step that nobody asked for. */
export const SPARED: ExplainedStep = { reason: "not-needed", message: "nobody asked for its result: what stands on it was known" };

export function explainHit(why: HitReason): ExplainedStep {
  if (why === "imported") return { reason: "imported", message: "a cache that was imported knew it" };
  return why === "unchanged"
    ? { reason: "unchanged", message: "nothing that it is made of changed" }
    : { reason: "same-content", message: "an input changed, and nothing that it uses of it" };
}

type Changed = Extract<MissReason, { readonly kind: "changed" }>;

function changesOf(step: LlbVertex | undefined, { operation, contents, inputs }: Changed, verticesOf: (numbers: readonly number[]) => readonly LlbVertex[]): string[] {
  return [
    ...(operation ? ["the step itself changed: its words, environment, mounts or platform"] : []),
    ...contents.map((number) => contentChange(step, number)),
    ...verticesOf(inputs).map(inputChange),
  ];
}

/** `content of a or b changed`: the paths that the step names count together. */
function contentChange(step: LlbVertex | undefined, input: number): string {
  const paths = step === undefined ? [] : usedPaths(step.op, step.inputs.length)[input] ?? [];
  return paths.length === 0 ? `content of input ${input} changed` : `content of ${listed(paths, "or")} changed`;
}

function inputChange({ name, op }: LlbVertex): string {
  if (op.op.case !== "source") return `its input ${name} gave another result`;
  const { identifier } = op.op.value;
  const [scheme, rest] = identifier.split("://");
  if (scheme === "docker-image" || scheme === "oci-layout") return `the base image ${rest} has other layers`;
  return scheme === "local" ? `content of ${name} changed` : `${identifier} gave another content`;
}

function listed(names: readonly string[], word: "and" | "or" = "and"): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
}
