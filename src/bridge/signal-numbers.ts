import { constants } from "node:os";

/** The real-time signals that are left to programs, on Linux. */
const RTMIN = 34;
const RTMAX = 64;
/** Names count from the nearer end: RTMIN+15 is followed by RTMAX-14. */
const RTMIN_NAMED_MAX = RTMIN + 15;

/** Numbers of signals by the names that frontends say: without `SIG`. */
export const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(constants.signals).map(([name, number]) => [name.replace(/^SIG/, ""), number] as const),
  ["CLD", constants.signals.SIGCHLD],
  ...Array.from({ length: RTMAX - RTMIN + 1 }, (_unused, i) => [realTimeName(RTMIN + i), RTMIN + i] as const),
]);

function realTimeName(number: number): string {
  if (number === RTMIN) return "RTMIN";
  if (number === RTMAX) return "RTMAX";
  return number <= RTMIN_NAMED_MAX ? `RTMIN+${number - RTMIN}` : `RTMAX-${RTMAX - number}`;
}
