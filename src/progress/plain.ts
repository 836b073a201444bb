import { STOPPED, type BuildEvent, type WarningEvent } from "./event.ts";
import { partBytes } from "./part-bytes.ts";
import { PlainStep, type PlainPart } from "./plain-step.ts";
import { joinGroups } from "./step-groups.ts";
import { warningText } from "./warning-text.ts";

/** These four as in BuildKit. A step that tells much is left for others after so long; the more it tells of all, the later. */
const SHOWN_FOR_MS = 5000;
/** A step that has been waiting for so long is shown before all others. */
const WAITED_FOR_MS = 10_000;
/** A part that goes on is written again after so long, or when so much of the whole is done since. */
const PART_TOLD_EVERY_MS = 5000;
const PART_TOLD_EVERY_SHARE = 0.05;

/** What took less is shown without a time. */
const TIMED_FROM_MS = 10;

/** `PROGRESS_NO_TRUNC=0`. */
export const SHORT_NAME_CHARACTERS = 72;

interface Writing {
  readonly write: (text: string) => void;
  /** Names that are longer are cut. */
  readonly nameCharacters?: number;
}

/**
 * BuildKit's plain form: `#3 [2/2] RUN make`, `#3 0.413 cc -c a.c`, `#3 DONE 1.2s`. Of steps side by side one is shown, until it ends, or
 * has been shown for long and others have something to tell: `#3 ...` says that it goes on, and its name is written again when it is come
 * back to. What others tell is kept until then. Events are taken at any time, and written when `print` is called.
 */
export class PlainText {
  readonly take: (event: BuildEvent, now: Date) => void;
  readonly #writing: Writing;
  readonly #steps = new Map<string, PlainStep>();
  /** By the name of the part alone, as in BuildKit: what two steps tell under one name is told once at a time. */
  readonly #writtenParts = new Map<string, { readonly doneBytes: number; readonly at: Date }>();
  #current: PlainStep | undefined;
  #shownCount = 0;
  #written = "";

  constructor(writing: Writing) {
    this.#writing = writing;
    let nowMs = 0;
    const take = joinGroups((event) => this.#take(event, nowMs));
    this.take = (event, now) => {
      nowMs = now.getTime();
      take(event);
    };
  }

  print(now: Date): void {
    this.#choose(now.getTime());
    this.#flush();
  }

  #take(event: BuildEvent, nowMs: number): void {
    switch (event.kind) {
      case "step-planned":
      case "step-explained":
        // That is for who asks: the history shows it.
        return;
      case "step-started":
        return this.#stepOf(event).start(event.at, nowMs);
      case "step-cached":
        return this.#stepOf(event).end(event.at, "cached", nowMs);
      case "step-finished":
        return this.#steps.get(event.step)?.end(event.at, "done", nowMs);
      case "step-failed":
        return this.#steps.get(event.step)?.end(event.at, event.message.endsWith(STOPPED) ? "canceled" : { error: event.message }, nowMs);
      case "step-output":
        return this.#steps.get(event.step)?.takeOutput(event, nowMs);
      case "step-progress":
        return this.#steps.get(event.step)?.takePart(event, nowMs);
      case "warning":
        return this.#warn(event, nowMs);
      case "notice":
        return this.#say(event.message, nowMs);
    }
  }

  #stepOf({ step, name }: { readonly step: string; readonly name: string }): PlainStep {
    const known = this.#steps.get(step) ?? new PlainStep(name);
    this.#steps.set(step, known);
    return known;
  }

  #warn(event: WarningEvent, nowMs: number): void {
    const step = event.step === undefined ? undefined : this.#steps.get(event.step);
    if (step === undefined) this.#say(`WARNING: ${warningText(event)}`, nowMs);
    else step.takeWarning(warningText(event), nowMs);
  }

  /** What is no step's has no place of its own, and comes after all that was told before. */
  #say(text: string, nowMs: number): void {
    this.#choose(nowMs);
    this.#endLine(this.#current);
    this.#written += `${text}\n`;
    this.#flush();
  }

  /** What is held back for a part that never came to its end is told. */
  finish(now: Date): void {
    this.print(now);
    if (this.#current?.endedAt !== undefined) this.#close(this.#current);
    this.#flush();
  }

  #flush(): void {
    if (this.#written !== "") this.#writing.write(this.#written);
    this.#written = "";
  }

  /** What has ended comes first, then the step that is shown; and then it is looked whether another's turn has come. */
  #choose(nowMs: number): void {
    const news = [...this.#steps.values()].filter(({ isNews }) => isNews);
    const ended = news.filter(({ endedAt }) => endedAt !== undefined).toSorted((one, other) => Number(one.endedAt) - Number(other.endedAt));
    const current = this.#current;
    const isCurrentEnded = current !== undefined && ended.includes(current);
    if (isCurrentEnded) this.#show(current);
    for (const step of ended) if (step !== current) this.#show(step);
    const going = news.filter(({ endedAt }) => endedAt === undefined);
    if (going.length === 0) {
      if (!current?.isRunning) this.#show([...this.#steps.values()].find(({ isRunning, isEndWritten }) => isRunning && !isEndWritten));
      return;
    }
    if (current !== undefined && going.includes(current)) this.#show(current);
    this.#show(nextStep(current === undefined || going.includes(current) ? going : [...going, current], { current, isCurrentEnded, nowMs }));
  }

  #show(step: PlainStep | undefined): void {
    if (step === undefined) return;
    if (step !== this.#current) this.#turnTo(step);
    const isPartOpen = this.#writeParts(step);
    for (const warning of step.warnings.splice(0)) this.#line(step, `WARN: ${warning}`);
    this.#writeLines(step);
    step.isNews = false;
    this.#current = step;
    if (step.endedAt !== undefined && (!isPartOpen || step.outcome !== "done")) this.#close(step);
  }

  #close(step: PlainStep): void {
    this.#current = undefined;
    step.count = 0;
    this.#endLine(step);
    step.lines = [];
    step.isLineOpen = false;
    if (!step.isEndWritten) this.#line(step, endText(step));
    step.isEndWritten = true;
  }

  #turnTo(step: PlainStep): void {
    if (this.#current !== undefined) {
      this.#endLine(this.#current);
      this.#current.leave();
      this.#line(this.#current, "...");
    }
    if (this.#shownCount > 0) this.#written += "\n";
    if (step.number === 0) step.number = ++this.#shownCount;
    const { nameCharacters = Infinity } = this.#writing;
    this.#line(step, step.name.length > nameCharacters ? `${step.name.slice(0, nameCharacters)}...` : step.name);
  }

  #line(step: PlainStep, text: string): void {
    this.#written += `#${step.number} ${text}\n`;
  }

  /** True where one goes on. */
  #writeParts(step: PlainStep): boolean {
    let isOpen = false;
    for (const part of step.takeNewParts()) {
      const { id, last } = part;
      const before = this.#writtenParts.get(id);
      if (before !== undefined && !last.finished && !isMuchSince(before, last)) continue;
      this.#writtenParts.set(id, last);
      isOpen ||= !last.finished;
      this.#line(step, partText(part));
    }
    return isOpen;
  }

  #writeLines(step: PlainStep): void {
    const { lines, isLineOpen, writtenOfLine } = step;
    const text = lines.map((line) => `#${step.number} ${line}`).join("\n");
    const begun = writtenOfLine === 0 ? 0 : `#${step.number} `.length + writtenOfLine;
    if (lines.length > 0) this.#written += `${text.slice(begun)}${isLineOpen ? "" : "\n"}`;
    step.lines = isLineOpen ? lines.slice(-1) : [];
    step.writtenOfLine = step.lines[0]?.length ?? 0;
  }

  /** A line that is not at its end yet ends for now, and is written whole again. */
  #endLine(step: PlainStep | undefined): void {
    if (step === undefined || step.writtenOfLine === 0) return;
    this.#written += "\n";
    step.writtenOfLine = 0;
  }
}

interface Turn {
  readonly current: PlainStep | undefined;
  readonly isCurrentEnded: boolean;
  readonly nowMs: number;
}

/** Undefined where the one that is shown stays. Each has its share of the time by how much it tells. */
function nextStep(steps: readonly PlainStep[], { current, isCurrentEnded, nowMs }: Turn): PlainStep | undefined {
  const candidates = steps.flatMap((step) => {
    if (step.countedSinceMs === undefined) return [];
    const waitedMs = nowMs - step.countedSinceMs;
    return [{ step, waitedMs, speed: step.count / waitedMs, isOverdue: waitedMs > WAITED_FOR_MS && step !== current }];
  });
  const overdue = candidates.find(({ isOverdue }) => isOverdue);
  const fastest = candidates.reduce<(typeof candidates)[number] | undefined>((best, each) => (best === undefined || best.speed < each.speed ? each : best), undefined);
  if (current === undefined || isCurrentEnded) return (overdue ?? fastest)?.step;
  if (overdue !== undefined) return overdue.step;
  const shown = candidates.find(({ step }) => step === current);
  if (shown === undefined) return undefined;
  const share = shown.speed / candidates.reduce((sum, { speed }) => sum + speed, 0);
  return SHOWN_FOR_MS / (1 - share) < shown.waitedMs ? fastest?.step : undefined;
}

function endText({ outcome, seconds }: PlainStep): string {
  if (outcome === "cached") return "CACHED";
  if (outcome === "canceled") return "CANCELED";
  return outcome === "done" ? `DONE ${seconds.toFixed(1)}s` : `ERROR: ${outcome.error}`;
}

interface ToldPart {
  readonly doneBytes: number;
  readonly at: Date;
}

function isMuchSince(before: ToldPart, { doneBytes, totalBytes = 0, at }: ToldPart & { readonly totalBytes: number | undefined }): boolean {
  const share = totalBytes > 0 ? (doneBytes - before.doneBytes) / totalBytes : 0;
  return share >= PART_TOLD_EVERY_SHARE || at.getTime() - before.at.getTime() >= PART_TOLD_EVERY_MS;
}

function partText({ id, startedAt, last }: PlainPart): string {
  const ms = last.at.getTime() - startedAt.getTime();
  return `${id}${partBytes(last)}${ms > TIMED_FROM_MS ? ` ${(ms / 1000).toFixed(1)}s` : ""}${last.finished ? " done" : ""}`;
}
