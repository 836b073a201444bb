import { stripVTControlCharacters } from "node:util";
import type { Digest } from "../content/digest.ts";
import { STOPPED, type BuildEvent } from "./event.ts";
import { workedSince } from "./worked-since.ts";

/** Work within a step. */
export interface ShownPart {
  readonly id: string;
  readonly startedAt: Date;
  endedAt: Date | undefined;
  doneBytes: number;
  totalBytes: number | undefined;
}

export interface ShownStep {
  readonly name: string;
  startedAt: Date;
  /** Undefined while it runs. */
  endedAt: Date | undefined;
  outcome: "running" | "done" | "cached" | "failed" | "canceled";
  readonly parts: Map<string, ShownPart>;
  /** The last lines that it printed, without what would move the cursor; the last one may still grow. */
  readonly tail: string[];
}

/** Lines of a step that a screen can show at most; the rest is not kept. */
export const TAIL_LINES_MAX = 100;
/** Of one line; a screen shows less. */
const LINE_CHARACTERS_MAX = 1000;

/** What a screen shows of a build, as far as its events have told it. */
export class ScreenState {
  /** In the order in which they began. */
  readonly steps: Map<Digest, ShownStep> = new Map();
  startedAt: Date | undefined;
  readonly #planned = new Set<Digest>();

  /** Steps that have come to an end, and all that are known. What turned out not to be needed counts until the end. */
  get counts(): { readonly ended: number; readonly known: number } {
    const ended = [...this.steps.values()].filter(({ endedAt }) => endedAt !== undefined).length;
    return { ended, known: new Set([...this.#planned, ...this.steps.keys()]).size };
  }

  get isRunning(): boolean {
    return [...this.steps.values()].some(({ endedAt }) => endedAt === undefined);
  }

  /** What nobody asked for is no step of this build. */
  finish(): void {
    this.#planned.clear();
  }

  take(event: BuildEvent): void {
    if ("at" in event) this.startedAt ??= event.at;
    switch (event.kind) {
      case "step-planned":
        return void this.#planned.add(event.step);
      case "step-started":
        return this.#begin(event.step, event.name, event.at);
      case "step-cached":
        this.#begin(event.step, event.name, event.at);
        return this.#end(event.step, event.at, "cached");
      case "step-finished":
        return this.#end(event.step, event.at, "done");
      case "step-failed":
        return this.#end(event.step, event.at, event.message.endsWith(STOPPED) ? "canceled" : "failed");
      case "step-output":
        return appendText(this.steps.get(event.step)?.tail, Buffer.from(event.bytes).toString("utf8"));
      case "step-progress":
        return takePart(this.steps.get(event.step), event);
      case "step-explained":
      case "warning":
      case "notice":
        return;
    }
  }

  #begin(digest: Digest, name: string, at: Date): void {
    const known = this.steps.get(digest);
    // A step may go on, or be done again for another platform: its pauses do not count.
    if (known === undefined) this.steps.set(digest, { name: visible(name), startedAt: at, endedAt: undefined, outcome: "running", parts: new Map(), tail: [] });
    else Object.assign(known, { startedAt: workedSince(known, at), endedAt: undefined, outcome: "running" });
  }

  #end(digest: Digest, at: Date, outcome: ShownStep["outcome"]): void {
    const step = this.steps.get(digest);
    if (step !== undefined) Object.assign(step, { endedAt: at, outcome });
  }
}

function takePart(step: ShownStep | undefined, { id, doneBytes, totalBytes, finished, at }: Extract<BuildEvent, { readonly kind: "step-progress" }>): void {
  if (step === undefined) return;
  const shown = visible(id);
  const part = step.parts.get(shown) ?? { id: shown, startedAt: at, endedAt: undefined, doneBytes, totalBytes };
  step.parts.set(shown, Object.assign(part, { doneBytes, totalBytes, endedAt: finished ? at : undefined }));
}

/** A carriage return begins the line anew, as a progress bar wants it. */
function appendText(tail: string[] | undefined, text: string): void {
  if (tail === undefined) return;
  const [first = "", ...rest] = text.split("\n");
  const lines = [`${tail.pop() ?? ""}${first}`, ...rest].slice(-TAIL_LINES_MAX);
  tail.push(...lines.map((line) => afterReturn(line).slice(0, LINE_CHARACTERS_MAX)));
  tail.splice(0, Math.max(0, tail.length - TAIL_LINES_MAX));
}

function afterReturn(line: string): string {
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1);
}

/** Nothing that moves a cursor, colours or rings a bell: what a program prints stays in its place. */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return stripVTControlCharacters(text).replace(/\t/g, " ").replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");
}
