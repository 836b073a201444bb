import { STOPPED, type BuildEvent } from "./event.ts";
import { joinGroups } from "./step-groups.ts";

interface Step {
  readonly number: number;
  readonly name: string;
  readonly startedAt: Date;
  /** The start of a line whose end has not come yet. */
  partial: string;
  /** When those that go on began, by their names. */
  readonly parts: Map<string, Date>;
}

/** As BuildKit. */
const SHOWN_FROM_MS = 10;

/**
 * One line for each thing that happens, in BuildKit's plain form: `#3 [2/2] RUN make`, `#3 0.41 cc -c a.c`, `#3 DONE 1.2s`.
 * A step's name is written again when the output comes back to it.
 */
export function plainRenderer(write: (text: string) => void): (event: BuildEvent) => void {
  const steps = new Map<string, Step>();
  let current: Step | undefined;

  const open = (step: Step): void => {
    if (current === step) return;
    write(`${current === undefined ? "" : "\n"}#${step.number} ${step.name}\n`);
    current = step;
  };
  const begin = (digest: string, name: string, at: Date): Step => {
    const known = steps.get(digest);
    if (known !== undefined) return known;
    const step = { number: steps.size + 1, name, startedAt: at, partial: "", parts: new Map() };
    steps.set(digest, step);
    return step;
  };
  const end = (digest: string, at: Date, describe: (seconds: string) => string): void => {
    const step = steps.get(digest);
    if (step === undefined) return;
    open(step);
    if (step.partial !== "") write(`#${step.number} ${secondsSince(step, at)} ${step.partial}\n`);
    step.partial = "";
    write(`#${step.number} ${describe(secondsSince(step, at).replace(/(\.\d)\d+$/, "$1"))}\n`);
  };

  return joinGroups((event) => {
    switch (event.kind) {
      case "step-planned":
        return;
      case "step-started":
        return open(begin(event.step, event.name, event.at));
      case "step-cached":
        begin(event.step, event.name, event.at);
        return end(event.step, event.at, () => "CACHED");
      case "step-finished":
        return end(event.step, event.at, (seconds) => `DONE ${seconds}s`);
      case "step-failed":
        return end(event.step, event.at, () => (event.message.endsWith(STOPPED) ? "CANCELED" : `ERROR: ${event.message}`));
      case "step-explained":
        // It is for who asks: the history shows it.
        return;
      case "step-output": {
        const step = steps.get(event.step);
        if (step === undefined) return;
        const lines = (step.partial + Buffer.from(event.bytes).toString("utf8")).split(/\r?\n/);
        step.partial = lines.pop() ?? "";
        if (lines.length > 0) open(step);
        for (const line of lines) write(`#${step.number} ${secondsSince(step, event.at)} ${line}\n`);
        return;
      }
      case "step-progress": {
        const step = steps.get(event.step);
        if (step === undefined) return;
        const startedAt = step.parts.get(event.id) ?? event.at;
        step.parts.set(event.id, startedAt);
        if (!event.finished) return;
        step.parts.delete(event.id);
        open(step);
        return write(`#${step.number} ${event.id}${event.totalBytes === undefined && event.doneBytes === 0 ? "" : ` ${bytesText(event.doneBytes)}`}${partTime(startedAt, event.at)} done\n`);
      }
      case "warning":
        return write(`WARNING: ${event.rule}: ${event.message}${event.location === undefined ? "" : ` (line ${event.location.startLine})`}\n`);
      case "notice":
        return write(`${event.message}\n`);
    }
  });
}

function secondsSince(step: Step, at: Date): string {
  return ((at.getTime() - step.startedAt.getTime()) / 1000).toFixed(3);
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
