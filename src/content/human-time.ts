const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_H = 24;
const WEEK_H = 7 * DAY_H;
const MONTH_H = 30 * DAY_H;
const YEAR_H = 365 * DAY_H;

/** How long ago, as Docker's commands say it: `About an hour ago`. */
export function agoText(ms: number): string {
  return `${roughDuration(ms)} ago`;
}

function roughDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / MINUTE_S);
  const hours = Math.round(seconds / HOUR_S);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < MINUTE_S) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 2 * DAY_H) return `${hours} hours`;
  if (hours < 2 * WEEK_H) return `${Math.floor(hours / DAY_H)} days`;
  if (hours < 2 * MONTH_H) return `${Math.floor(hours / WEEK_H)} weeks`;
  if (hours < 2 * YEAR_H) return `${Math.floor(hours / MONTH_H)} months`;
  return `${Math.floor(hours / YEAR_H)} years`;
}

/** `0.4s`, `1m  3s`, `62m  3s`, as buildx: it counts no hours. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < MINUTE_S) return `${(ms / 1000).toFixed(1)}s`;
  return `${Math.floor(seconds / MINUTE_S)}m ${String(seconds % MINUTE_S).padStart(2)}s`;
}

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, "µs": 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration as Go writes it (`1h30m`, `1.5s`), with days (`7d`); undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)].reduce((sum, [, number = "", unit = ""]) => sum + Number(number) * (UNIT_MS[unit] ?? 0), 0);
}
