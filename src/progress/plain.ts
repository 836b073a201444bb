import { STOPPED, type BuildEvent, type WarningEvent } from "./event.ts";
import { joinGroups } from "./step-groups.ts";
import { warningText } from "./warning-text.ts";
import { workedSince } from "./worked-since.ts";

interface Step {
  readonly number: number;
  readonly name: string;
  /** As if it had gone on since then without a pause. */
  startedAt: Date;
  /** Undefined while it goes on. */
  endedAt: Date | undefined;
  /** And nothing was told of it since. */
  isEndTold: boolean;
  /** The start of a line whose end has not come yet. */
  partial: string;
  /** Those that go on, by their names. */
  readonly parts: Map<string, Part>;
}

interface Part {
  readonly startedAt: Date;
  /** Its last line, or its begin. */
  toldAt: Date;
}

/** As BuildKit. */
const SHOWN_FROM_MS = 10;

/** How often a part that goes on has a line: enough for who waits, and for a log that is kept. */
const TOLD_EVERY_MS = 5000;

/**
 * One line for each thing that happens, in BuildKit's plain form: `#3 [2/2] RUN make`, `#3 0.41 cc -c a.c`, `#3 DONE 1.2s`.
 * A step's name is written again when the output comes back to it, and `#3 ...` where it leaves one that goes on.
 */
export function plainRenderer(write: (text: string) => void): (event: BuildEvent) => void {
  const steps = new Map<string, Step>();
  let current: Step | undefined;

  const open = (step: Step, when: "always" | "unless told" = "always"): void => {
    if (current === step || (when === "unless told" && step.isEndTold)) return;
    if (current !== undefined) write(current.isEndTold ? "\n" : `#${current.number} ...\n\n`);
    write(`#${step.number} ${step.name}\n`);
    current = step;
  };
  const begin = (digest: string, name: string, at: Date): Step => {
    const known = steps.get(digest);
    if (known !== undefined) return goOn(known, at);
    const step: Step = { number: steps.size + 1, name, startedAt: at, endedAt: undefined, isEndTold: false, partial: "", parts: new Map() };
    steps.set(digest, step);
    return step;
  };
  const tell = (step: Step, lines: string): void => {
    if (lines === "") return;
    open(step);
    step.isEndTold = false;
    write(lines);
  };
  const end = (digest: string, at: Date, describe: (seconds: string) => string, isNews = false): void => {
    const step = steps.get(digest);
    if (step === undefined) return;
    step.endedAt = at;
    // What was looked at once more, and told nothing new.
    if (step.isEndTold && !isNews) return;
    open(step);
    if (step.partial !== "") write(`#${step.number} ${secondsSince(step, at)} ${step.partial}\n`);
    step.partial = "";
    step.isEndTold = true;
    write(`#${step.number} ${describe(secondsSince(step, at, 1))}\n`);
  };

  const warn = (event: WarningEvent): void => {
    const step = event.step === undefined ? undefined : steps.get(event.step);
    if (step !== undefined) open(step);
    write(`${step === undefined ? "WARNING:" : `#${step.number} WARN:`} ${warningText(event)}\n`);
  };
  return joinGroups((event) => {
    switch (event.kind) {
      case "step-planned":
      case "step-explained":
        // That is for who asks: the history shows it.
        return;
      case "step-started":
        return open(begin(event.step, event.name, event.at), "unless told");
      case "step-cached":
        begin(event.step, event.name, event.at);
        return end(event.step, event.at, () => "CACHED");
      case "step-finished":
        return end(event.step, event.at, (seconds) => `DONE ${seconds}s`);
      case "step-failed":
        return end(event.step, event.at, () => (event.message.endsWith(STOPPED) ? "CANCELED" : `ERROR: ${event.message}`), true);
      case "step-output":
      case "step-progress": {
        const step = steps.get(event.step);
        return step && tell(step, event.kind === "step-output" ? outputLines(step, event) : partLine(step, event));
      }
      case "warning":
        return warn(event);
      case "notice":
        return write(`${event.message}\n`);
    }
  });
}

/** Its pause does not count. */
function goOn(step: Step, at: Date): Step {
  step.startedAt = workedSince(step, at);
  step.endedAt = undefined;
  return step;
}

function secondsSince(step: Step, at: Date, digits = 3): string {
  return ((at.getTime() - step.startedAt.getTime()) / 1000).toFixed(digits);
}

/** Those that have ended; the rest is kept. */
function outputLines(step: Step, { bytes, at }: Extract<BuildEvent, { readonly kind: "step-output" }>): string {
  const lines = (step.partial + Buffer.from(bytes).toString("utf8")).split(/\r?\n/);
  step.partial = lines.pop() ?? "";
  return lines.map((line) => `#${step.number} ${secondsSince(step, at)} ${line}\n`).join("");
}

/** Empty for a part that had its last line, or began, just now. */
function partLine({ number, parts }: Step, event: Extract<BuildEvent, { readonly kind: "step-progress" }>): string {
  const { id, at, finished } = event;
  const part = parts.get(id) ?? { startedAt: at, toldAt: at };
  parts.set(id, part);
  if (!finished && at.getTime() - part.toldAt.getTime() < TOLD_EVERY_MS) return "";
  part.toldAt = at;
  if (finished) parts.delete(id);
  return `#${number} ${id}${partBytes(event)}${partTime(part.startedAt, at)}${finished ? " done" : ""}\n`;
}

/** Nothing where nothing passed, and of how much where that was known. */
export function partBytes({ doneBytes, totalBytes = 0 }: { readonly doneBytes: number; readonly totalBytes: number | undefined }): string {
  return totalBytes !== 0 ? ` ${bytesText(doneBytes)} / ${bytesText(totalBytes)}` : doneBytes !== 0 ? ` ${bytesText(doneBytes)}` : "";
}

/** Nothing for what took no time. */
function partTime(startedAt: Date, at: Date): string {
  const ms = at.getTime() - startedAt.getTime();
  return ms > SHOWN_FROM_MS ? ` ${(ms / 1000).toFixed(1)}s` : "";
}

/** As BuildKit writes sizes: decimal units, two digits behind the point. */
export function bytesText(sizeBytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${units[unit]}`;
}
