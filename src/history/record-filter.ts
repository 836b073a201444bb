import { parseDuration } from "../content/human-time.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { BuildRecord } from "./build-record.ts";
import { HistoryError } from "./history-error.ts";

type Test = (record: BuildRecord) => boolean;

interface TextOf {
  readonly of: (record: BuildRecord) => string;
  /** Whether a part of it is enough for `=`, as with buildx. */
  readonly byPart: boolean;
}

const TEXTS: Readonly<Record<string, TextOf>> = {
  ref: { of: ({ ref }) => ref, byPart: true },
  // A remote context is a repository too.
  repository: { of: ({ attributes }) => attributes["vcs:source"] ?? attributes["context"]?.replace(/[#?].*$/s, "") ?? "", byPart: true },
  status: { of: ({ status }) => status, byPart: false },
};

const NUMBERS: Readonly<Record<string, (record: BuildRecord) => bigint>> = {
  startedAt: ({ startedAt }) => parseRfc3339(startedAt),
  completedAt: ({ status, completedAt }) => (status === "running" ? 0n : parseRfc3339(completedAt)),
  duration: ({ startedAt, completedAt }) => parseRfc3339(completedAt) - parseRfc3339(startedAt),
};

const COMPARISONS: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

/**
 * A filter of `history ls`, as buildx has it: `status=error`, `ref=abc`, where a part is enough, `ref~=^abc`, `repository!=…`, `duration>30s`, `startedAt>=2026-01-02T03:04:05Z`.
 * A time may also be a duration: so long before `nowNs`. Throws HistoryError "usage".
 */
export function recordFilter(filters: readonly string[], nowNs: bigint): Test {
  const tests = filters.map((filter) => parseFilter(filter, nowNs));
  return (record) => tests.every((test) => test(record));
}

function parseFilter(filter: string, nowNs: bigint): Test {
  const [, name = "", operator, value = ""] = /^(.*?)(!=|~=|<=|>=|<|>|=)(.*)$/s.exec(filter) ?? [];
  if (operator === undefined) throw new HistoryError("usage", `invalid filter ${JSON.stringify(filter)}`);
  const [text, number] = [TEXTS[name], NUMBERS[name]];
  if (text !== undefined) return textTest(text, { filter, operator, value });
  if (number === undefined) throw new HistoryError("usage", `unsupported filter ${JSON.stringify(filter)}`);
  const compare = COMPARISONS[operator];
  if (compare === undefined) throw new HistoryError("usage", `invalid separator for ${JSON.stringify(filter)}, expected <=, <, >= or >`);
  const wanted = name === "duration" ? durationNs(value) : timeNs(value, nowNs);
  return (record) => compare(number(record), wanted);
}

function textTest({ of: text, byPart }: TextOf, { filter, operator, value }: { readonly filter: string; readonly operator: string; readonly value: string }): Test {
  switch (operator) {
    case "=":
      return (record) => (byPart ? text(record).includes(value) : text(record) === value);
    case "!=":
      return (record) => text(record) !== value;
    case "~=": {
      const pattern = patternOf(value, filter);
      return (record) => pattern.test(text(record));
    }
    default:
      throw new HistoryError("usage", `invalid separator for ${JSON.stringify(filter)}, expected = or !=`);
  }
}

function patternOf(value: string, filter: string): RegExp {
  try {
    return new RegExp(value);
  } catch (error) {
    throw new HistoryError("usage", `filter ${JSON.stringify(filter)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function durationNs(text: string): bigint {
  const ms = parseDuration(text);
  if (ms === undefined) throw new HistoryError("usage", `invalid duration ${text}`);
  return BigInt(Math.round(ms * 1e6));
}

function timeNs(text: string, nowNs: bigint): bigint {
  const ms = parseDuration(text);
  if (ms !== undefined) return nowNs - BigInt(Math.round(ms * 1e6));
  try {
    return parseRfc3339(text);
  } catch (error) {
    throw new HistoryError("usage", `invalid time ${text}`, { cause: error });
  }
}
