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
  // Of one instruction there may be millions: room that grows is taken, and copied, several times over.
  const ranges: Range[] = [];
  ranges.length = Math.max(last - first, 0) + 1;
  for (let at = 0; at < ranges.length; at++) {
    const position: Position = { line: first + at, character: 0 };
    ranges[at] = { start: position, end: position };
  }
  return ranges;
}
