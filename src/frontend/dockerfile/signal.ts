import { toUpper } from "./go-text.ts";

/** Linux's signals by name, without SIG. */
const SIGNALS: Readonly<Record<string, number>> = {
  ABRT: 6, ALRM: 14, BUS: 7, CHLD: 17, CLD: 17, CONT: 18, FPE: 8, HUP: 1, ILL: 4, INT: 2, IO: 29, IOT: 6, KILL: 9, PIPE: 13, POLL: 29, PROF: 27, PWR: 30, QUIT: 3,
  SEGV: 11, STKFLT: 16, STOP: 19, SYS: 31, TERM: 15, TRAP: 5, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, USR1: 10, USR2: 12, VTALRM: 26, WINCH: 28, XCPU: 24, XFSZ: 25,
};
/** The C library keeps two real-time signals for itself. */
const REALTIME_FIRST = 34;
const REALTIME_LAST = 64;
const FROM_FIRST_MAX = 15;
const FROM_LAST_MAX = 14;

/** A signal's number from a number or a name, `SIG` or not, in any case; undefined for none. Numbers are taken as they are, but for 0. */
export function parseSignal(text: string): number | undefined {
  if (/^[+-]?[0-9]+$/.test(text)) return Number(text) === 0 ? undefined : Number(text);
  const name = toUpper(text).replace(/^SIG/, "");
  return Object.hasOwn(SIGNALS, name) ? SIGNALS[name] : parseRealtime(name);
}

function parseRealtime(name: string): number | undefined {
  const [, edge, sign, offsetText = "0"] = /^(RTMIN|RTMAX)(?:([+-])([1-9][0-9]?))?$/.exec(name) ?? [];
  const offset = Number(offsetText);
  if (edge === "RTMIN" && sign !== "-" && offset <= FROM_FIRST_MAX) return REALTIME_FIRST + offset;
  if (edge === "RTMAX" && sign !== "+" && offset <= FROM_LAST_MAX) return REALTIME_LAST - offset;
  return undefined;
}
