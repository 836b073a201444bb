/** A place in the Dockerfile. Lines count from 1; BuildKit never tracks columns, so `character` is 0. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** What an instruction, a finding or an error points at. BuildKit gives one range for each physical line. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** The lines `first` to `last`, one range each; only `first` when `last` is before it. */
export function lineRanges(first: number, last: number): readonly Range[] {
  const ranges: Range[] = [];
  for (let line = first; line <= Math.max(first, last); line++) {
    const position: Position = { line, character: 0 };
    ranges.push({ start: position, end: position });
  }
  return ranges;
}
