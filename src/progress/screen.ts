import stringWidth from "string-width";
import { partBytes } from "./part-bytes.ts";
import { visible, type ScreenState, type ShownStep } from "./screen-state.ts";

export type Emphasis = "run" | "error" | "cancel" | "faint" | "none";

export interface ScreenLine {
  readonly text: string;
  readonly emphasis: Emphasis;
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ScreenOptions {
  readonly size: ScreenSize;
  readonly now: Date;
  /** Lines that a running step shows of what it printed, at most. */
  readonly tailLines: number;
  /** `final`: all steps, however many, and no tails. */
  readonly kind: "running" | "final";
}

/** Narrower than this, a line says nothing. */
const NAME_COLUMNS_MIN = 12;

/**
 * What a terminal shows of a build: one line in front, one for each step and each part of one, and the last lines that running steps
 * printed. Where that is too much, what runs goes before what is done, and what was done last before what was done first.
 */
export function screenLines(state: ScreenState, options: ScreenOptions): readonly ScreenLine[] {
  const head = { text: fit(headText(state, options), "", options.size.columns), emphasis: "none" as const };
  const steps = [...state.steps.values()].map((step) => ({ step, lines: stepLines(step, options) }));
  if (options.kind === "final") return [head, ...steps.flatMap(({ lines }) => lines)];
  // The cursor stands on a line of its own below all others.
  const rows = options.size.rows - 2;
  const kept = keptSteps(steps, rows);
  let free = rows - kept.reduce((sum, { lines }) => sum + lines.length, 0);
  return [head, ...kept.flatMap(({ step, lines }) => {
    const tail = tailOf(step, Math.min(options.tailLines, free), options.size.columns);
    free -= tail.length;
    return [...lines, ...tail];
  })];
}

interface StepWithLines {
  readonly step: ShownStep;
  readonly lines: readonly ScreenLine[];
}

function headText(state: ScreenState, { now, kind }: ScreenOptions): string {
  const { ended, known } = state.counts;
  const failed = [...state.steps.values()].some(({ outcome }) => outcome === "failed" || outcome === "canceled");
  const finished = kind === "final" && ended > 0 && ended === known && !failed ? " FINISHED" : "";
  return `[+] Building ${secondsText((now.getTime() - (state.startedAt ?? now).getTime()) / 1000)} (${ended}/${known})${finished}`;
}

const LOOKS: Readonly<Record<ShownStep["outcome"], { readonly prefix: string; readonly emphasis: Emphasis }>> = {
  running: { prefix: "", emphasis: "none" }, done: { prefix: "", emphasis: "run" }, cached: { prefix: "CACHED ", emphasis: "run" }, failed: { prefix: "ERROR ", emphasis: "error" }, canceled: { prefix: "CANCELED ", emphasis: "cancel" },
};

function stepLines(step: ShownStep, { now, size: { columns } }: ScreenOptions): readonly ScreenLine[] {
  const { prefix, emphasis } = LOOKS[step.outcome];
  const parts = [...step.parts.values()].map((part): ScreenLine => ({ text: fit(` => => ${part.id}${partBytes(part)}`, elapsed({ startedAt: part.startedAt, endedAt: part.endedAt ?? step.endedAt }, now), columns), emphasis: part.endedAt === undefined ? "none" : "run" }));
  const line: ScreenLine = { text: fit(` => ${prefix}${step.name}`, elapsed(step, now), columns), emphasis };
  return [line, ...parts].filter(({ text }) => text !== "");
}

function keptSteps(steps: readonly StepWithLines[], rows: number): readonly StepWithLines[] {
  const running = steps.filter(({ step }) => step.endedAt === undefined);
  const ended = steps.filter(({ step }) => step.endedAt !== undefined).toReversed();
  let free = rows;
  const kept = new Set<StepWithLines>();
  for (const each of [...running, ...ended]) {
    if (each.lines.length > free) continue;
    free -= each.lines.length;
    kept.add(each);
  }
  return steps.filter((each) => kept.has(each));
}

function tailOf({ endedAt, tail }: ShownStep, count: number, columns: number): readonly ScreenLine[] {
  if (endedAt !== undefined || count <= 0) return [];
  return tail.map(visible).filter((line) => line.trim() !== "").slice(-count).map((line): ScreenLine => ({ text: fit(` => => # ${line}`, "", columns), emphasis: "faint" }));
}

function elapsed({ startedAt, endedAt }: Pick<ShownStep, "startedAt" | "endedAt">, now: Date): string {
  const seconds = ((endedAt ?? now).getTime() - startedAt.getTime()) / 1000;
  return secondsText(seconds < 0.05 ? 0 : seconds);
}

function secondsText(seconds: number): string {
  return `${Math.max(0, seconds).toFixed(1)}s`;
}

/** The left text cut so that the right one stands at the end; empty where there is no room for it. */
function fit(left: string, right: string, columns: number): string {
  const room = columns - (right === "" ? 0 : right.length + 1);
  if (right !== "" && room < NAME_COLUMNS_MIN) return "";
  const cut = cutTo(left, room);
  return right === "" ? cut : `${cut}${" ".repeat(Math.max(0, room - stringWidth(cut)))} ${right}`;
}

const graphemes = new Intl.Segmenter();

function cutTo(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let width = 0;
  let cut = "";
  for (const { segment } of graphemes.segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    cut += segment;
  }
  return cut;
}
