import type { BuildRecord, LineRange, RecordedStep } from "./build-record.ts";
import type { TracedLines, TracedStep } from "./trace-answer.ts";

/** A step with the text of its lines, and the same of the steps that it used. */
export function tracedStep(step: RecordedStep, record: BuildRecord): TracedStep {
  const inputs = step.inputs.flatMap((id) => record.steps.filter((one) => one.id === id));
  return { ...bare(step, record), inputs: inputs.map((input) => bare(input, record)) };
}

function bare({ id, summary, lines }: RecordedStep, record: BuildRecord): Omit<TracedStep, "inputs"> {
  return { id, summary, lines: lines.map((range) => linesOf(range, record)) };
}

function linesOf({ file, start, end }: LineRange, { files }: BuildRecord): TracedLines {
  const known = files[file];
  return { file: known?.name ?? "", start, end, text: known?.lines?.slice(start - 1, end) };
}
