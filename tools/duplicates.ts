/** Copies shorter than this may be chance. */
export const EQUAL_LINES_MAX = 11;

const WINDOW = EQUAL_LINES_MAX + 1;
/** What may be equal without being a copy. */
const NOT_COUNTED = /^(?:import\b.*|export (?:type )?\{.*\} from .*|\/\/.*|\/\*\*?.*|\*.*)?$/;

interface Line {
  readonly text: string;
  readonly number: number;
}

interface Place {
  readonly file: string;
  readonly lines: readonly Line[];
  readonly start: number;
}

/** Lines that stand twice, in two files or in one, whatever their indentation, comments and blank lines. `files`: path → text. */
export function findDuplicates(files: ReadonlyMap<string, string>): readonly string[] {
  const seen = new Map<string, Place>();
  const problems: string[] = [];
  for (const [file, text] of files) {
    const lines = countedLines(text);
    for (let start = 0; start + WINDOW <= lines.length; start++) {
      const key = lines.slice(start, start + WINDOW).map((line) => line.text).join("\n");
      const place = { file, lines, start };
      const first = seen.get(key);
      const length = first === undefined ? 0 : equalLength(first, place);
      if (first === undefined) seen.set(key, place);
      if (first === undefined || length < WINDOW) continue;
      problems.push(`${place.file}:${numberAt(place)}: ${length} lines are equal to ${first.file}:${numberAt(first)}; say it once`);
      start += length - 1;
    }
  }
  return problems;
}

function countedLines(text: string): readonly Line[] {
  return text.split("\n").map((line, index) => ({ text: line.trim(), number: index + 1 })).filter((line) => !NOT_COUNTED.test(line.text));
}

/** In one file two places end where the second begins. */
function equalLength(a: Place, b: Place): number {
  const limit = a.file === b.file ? b.start - a.start : Infinity;
  let length = 0;
  while (length < limit && a.lines[a.start + length] !== undefined && a.lines[a.start + length]?.text === b.lines[b.start + length]?.text) length++;
  return length;
}

function numberAt({ lines, start }: Place): number {
  return lines[start]?.number ?? 0;
}
