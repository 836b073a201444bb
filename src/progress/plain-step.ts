import { StringDecoder } from "node:string_decoder";
import type { BuildEvent } from "./event.ts";
import { lineTime } from "./last-lines.ts";

type Told<Kind extends BuildEvent["kind"]> = Extract<BuildEvent, { readonly kind: Kind }>;

/** Work within a step, as it was told last. */
export interface PlainPart {
  readonly id: string;
  readonly startedAt: Date;
  readonly last: Told<"step-progress">;
}

interface Span {
  readonly startedAt: Date;
  /** Undefined while it goes on. */
  endedAt: Date | undefined;
}

/** What the plain form knows of one step, and has not written yet. */
export class PlainStep {
  readonly name: string;
  /** 0 until it is shown. */
  number = 0;
  outcome: "done" | "cached" | "canceled" | { readonly error: string } = "done";
  /** One behind the other, with a pause between two. */
  readonly #spans: Span[] = [];
  readonly #parts = new Map<string, PlainPart>();
  readonly #newParts = new Set<string>();
  readonly #text = new StringDecoder("utf8");
  /** Lines that are not written yet, with their times. */
  lines: string[] = [];
  /** The last line may still grow. */
  isLineOpen = false;
  /** So much of the first line stands there already. */
  writtenOfLine = 0;
  warnings: string[] = [];
  /** Something is to be written. */
  isNews = false;
  /** Its end was written, and nothing was told of it since. */
  isEndWritten = false;
  /** Things told since it was left, and when that began: who tells most is shown longest. */
  count = 0;
  countedSinceMs: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get isStarted(): boolean {
    return this.#spans.length > 0;
  }

  get endedAt(): Date | undefined {
    return this.#spans.at(-1)?.endedAt;
  }

  get isRunning(): boolean {
    return this.isStarted && this.endedAt === undefined;
  }

  /** Without its pauses. */
  get seconds(): number {
    return this.#spans.reduce((sum, { startedAt, endedAt = startedAt }) => sum + endedAt.getTime() - startedAt.getTime(), 0) / 1000;
  }

  start(at: Date, nowMs: number): void {
    this.#open(at);
    this.outcome = "done";
    // What is looked at once more is worth a line when it tells something.
    if (!this.isEndWritten) this.#tell(nowMs);
  }

  end(at: Date, outcome: PlainStep["outcome"], nowMs: number): void {
    if (outcome === "cached") this.#open(at);
    const span = this.#spans.at(-1);
    if (span === undefined) return;
    const isOther = outcome === "cached" && this.outcome !== "cached";
    span.endedAt = at;
    this.outcome = outcome;
    if (!this.isEndWritten || isOther || typeof outcome === "object" || outcome === "canceled") this.#tell(nowMs);
  }

  /** What goes on before its end has gone on all the time. */
  #open(at: Date): void {
    const span = this.#spans.at(-1);
    if (span?.endedAt !== undefined && at.getTime() <= span.endedAt.getTime()) span.endedAt = undefined;
    else if (span === undefined || span.endedAt !== undefined) this.#spans.push({ startedAt: at, endedAt: undefined });
  }

  takePart(event: Told<"step-progress">, nowMs: number): void {
    this.#parts.set(event.id, { id: event.id, startedAt: this.#parts.get(event.id)?.startedAt ?? event.at, last: event });
    this.#newParts.add(event.id);
    this.#tell(nowMs);
  }

  /** In the order in which they began. */
  takeNewParts(): readonly PlainPart[] {
    const parts = [...this.#parts.values()].filter(({ id }) => this.#newParts.has(id));
    this.#newParts.clear();
    return parts;
  }

  takeOutput({ bytes, at }: Told<"step-output">, nowMs: number): void {
    const text = this.#text.write(Buffer.from(bytes));
    if (text === "") return;
    const time = lineTime(at.getTime() - (this.#spans.at(-1)?.startedAt ?? at).getTime());
    const [first = "", ...rest] = text.split("\n");
    // The end of a line that was begun has the time of its begin.
    if (this.isLineOpen) this.lines.push(`${this.lines.pop() ?? ""}${first}`);
    else this.lines.push(`${time} ${first}`);
    for (const line of rest) this.lines.push(`${time} ${line}`);
    this.isLineOpen = rest.at(-1) !== "";
    if (!this.isLineOpen) this.lines.pop();
    this.#tell(nowMs);
  }

  takeWarning(text: string, nowMs: number): void {
    this.warnings.push(text);
    // A warning alone does not make the end of the step be written again.
    if (this.isEndWritten) this.isNews = true;
    else this.#tell(nowMs);
  }

  /** Where it is left for another, what it began is written again when it is come back to. */
  leave(): void {
    this.writtenOfLine = 0;
    this.count = 0;
  }

  #tell(nowMs: number): void {
    if (this.count === 0) this.countedSinceMs = nowMs;
    this.count++;
    this.isNews = true;
    this.isEndWritten = false;
  }
}
