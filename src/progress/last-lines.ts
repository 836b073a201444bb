import { StringDecoder } from "node:string_decoder";

/** As many as BuildKit's plain form shows of a step that failed. */
const LINES_MAX = 10;
/** Of one line; a program may print without an end. */
const LINE_CHARACTERS_MAX = 16 * 1024;

/** The last lines of what a step printed, each with the time at which it began, as the plain form has them. */
export class LastLines {
  readonly #startedAt: Date;
  readonly #decoder = new StringDecoder("utf8");
  #lines: string[] = [];
  #isLineOpen = false;

  constructor(startedAt: Date) {
    this.#startedAt = startedAt;
  }

  /** With the last one, whether it has ended or not. */
  get lines(): readonly string[] {
    return this.#lines.slice(-LINES_MAX);
  }

  add(bytes: Uint8Array, at: Date): void {
    const text = this.#decoder.write(Buffer.from(bytes));
    if (text === "") return;
    const time = lineTime(at.getTime() - this.#startedAt.getTime());
    const [first = "", ...rest] = text.split("\n");
    this.#lines.push(cut(this.#isLineOpen ? `${this.#lines.pop() ?? ""}${first}` : `${time} ${first}`));
    // What comes after the last end of a line is nothing, or begins one.
    this.#isLineOpen = rest.at(-1) !== "";
    for (const line of (this.#isLineOpen ? rest : rest.slice(0, -1)).slice(-LINES_MAX)) this.#lines.push(cut(`${time} ${line}`));
    if (this.#lines.length > LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX);
  }
}

function cut(line: string): string {
  return line.slice(0, LINE_CHARACTERS_MAX);
}

/** Three digits at least, where there is something behind the point. */
export function lineTime(ms: number): string {
  const seconds = ms / 1000;
  return seconds.toFixed(seconds < 10 ? 3 : seconds < 100 ? 2 : 1);
}
