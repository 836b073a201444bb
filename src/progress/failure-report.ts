import type { SourceExcerpt } from "./event.ts";

/** What a person needs to see of a failed step: the end of its output, and where in the Dockerfile it is. */
export interface FailedStep {
  readonly name: string;
  readonly lastLines: readonly string[];
  readonly excerpt: SourceExcerpt | undefined;
}

/** BuildKit's block for a failed step, without the last line that names the error. */
export function describeFailedStep({ name, lastLines, excerpt }: FailedStep): string {
  return `------\n > ${name}:\n${lastLines.map((line) => `${line}\n`).join("")}------\n${excerpt === undefined ? "" : describeExcerpt(excerpt)}`;
}

/** The lines that a message speaks of, marked, with a few around them; empty where the text has no such line. */
export function describeExcerpt({ filename, text, startLine, endLine }: SourceExcerpt): string {
  const lines = text.split(/\r?\n/);
  if (startLine < 1 || startLine > lines.length) return "";
  const [first, last] = shownLines({ startLine, endLine }, lines.length);
  const rows = lines.slice(first - 1, last).map((line, i) => {
    const number = first + i;
    const mark = number >= startLine && number <= endLine ? ">>>" : "   ";
    return `${String(number).padStart(4)} | ${mark} ${line}`;
  });
  const rule = "-".repeat(20);
  return `${filename}:${startLine}\n${rule}\n${rows.join("\n")}\n${rule}\n`;
}

/** BuildKit's rule: a single line gets more company than several, taken in turn from above and below. */
function shownLines({ startLine, endLine }: { startLine: number; endLine: number }, lineCount: number): [first: number, last: number] {
  const wanted = startLine === endLine ? 4 : 2;
  let [first, last] = [startLine, Math.min(endLine, lineCount)];
  for (let added = 0; added < wanted; added++) {
    if (first > 1) {
      first--;
      added++;
    }
    if (last < lineCount) {
      last++;
      added++;
    }
  }
  return [first, last];
}
