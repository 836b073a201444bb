import type { Instruction, Stage } from "../dockerfile/instruction.ts";
import type { Observation, Subject } from "./subject.ts";

/** OCI's annotations (image-spec, annotations.md), and those of label-schema.org before them. */
const LABELS = new Set(["org.opencontainers.image.source", "org.opencontainers.image.revision", "org.label-schema.vcs-url", "org.label-schema.vcs-ref"]);

/** A result without a label that tells of its sources, of its own or of the stages that it stands on. */
export function versionControlLabel({ parsed: { stages } }: Subject): readonly Observation[] {
  const result = stages.at(-1);
  if (result === undefined || foundation(result, stages).some(({ commands }) => commands.some(isLabelled))) return [];
  return [{ at: result, message: "the image gets no label that tells which sources it is built from" }];
}

function isLabelled(instruction: Instruction): boolean {
  return instruction.kind === "label" && instruction.labels.some(({ key, value }) => LABELS.has(unquoted(key)) && unquoted(value) !== "");
}

function unquoted(text: string): string {
  return text.replace(/^(["'])(.*)\1$/s, "$2");
}

/** The stage, the stage that it is FROM, and so on; only earlier stages count. */
function foundation(result: Stage, stages: readonly Stage[]): readonly Stage[] {
  const found = [result];
  for (let at = stages.indexOf(result), stage = result; at > 0; ) {
    const { baseName } = stage;
    const base = stages.slice(0, at).findLastIndex(({ stageName }) => stageName !== "" && stageName === baseName.toLowerCase());
    const next = stages[base];
    if (next === undefined) break;
    found.push(next);
    at = base;
    stage = next;
  }
  return found;
}
