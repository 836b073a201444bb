import { parseDuration } from "../content/human-time.ts";
import { UpkeepError } from "./upkeep-error.ts";
import type { UsageRecord } from "./usage-record.ts";

type Test = (record: UsageRecord) => boolean;

const FLAGS: Readonly<Record<string, Test>> = {
  inuse: ({ isInUse }) => isInUse,
  mutable: ({ isMutable }) => isMutable,
  immutable: ({ isMutable }) => !isMutable,
  // Nothing in our store is an image's alone: BuildKit's word for what a daemon shares with its images.
  shared: () => false,
  private: () => true,
};

const TEXTS: Readonly<Record<string, (record: UsageRecord) => readonly string[]>> = {
  id: ({ id }) => [id],
  parents: ({ parents }) => parents,
  description: ({ description }) => [description],
  type: ({ type }) => [type],
};

/**
 * Filters of `du` and `prune`, as buildx has them: `until=24h` (not used for so long), `type=regular`, `description~=…`, `inuse`, `mutable`,
 * `immutable`, `shared`, `private`, `id=…`, `parents=…`; `!=` for not. A record must pass all. Throws UpkeepError.
 */
export function usageFilter(filters: readonly string[], nowMs: number): Test {
  const tests = filters.map((filter) => parseFilter(filter, nowMs));
  return (record) => tests.every((test) => test(record));
}

/** The same of filters that are flags of a command. buildx takes of each kind one, and so nobody waits for one that says "either". */
export function flagFilter(filters: readonly string[], nowMs: number): Test {
  const kinds = [...new Set(filters)].map((filter) => /^[a-z-]+(?:~=|!=)?/.exec(filter)?.[0] ?? "");
  if (kinds.includes("until") && kinds.includes("unused-for")) throw new UpkeepError('conflicting filters "until" and "unused-for"');
  if (new Set(kinds).size < kinds.length) throw new UpkeepError("filters expect only one value");
  return usageFilter(filters, nowMs);
}

function parseFilter(filter: string, nowMs: number): Test {
  const [, name = "", operator = "", value = ""] = /^([a-z-]+)(?:(~=|!=|==|=)(.*))?$/s.exec(filter) ?? [];
  const flag = FLAGS[name];
  if (flag !== undefined) return flagTest(flag, { filter, operator, value });
  if (name === "until" || name === "unused-for") return untilTest(name, value, nowMs);
  const texts = TEXTS[name];
  if (texts === undefined || operator === "") throw new UpkeepError(`filter ${JSON.stringify(filter)}: use until, id, parents, description or type with = != ~=, or inuse, mutable, immutable, shared, private`);
  if (operator === "!=") return (record) => !texts(record).includes(value);
  // buildx: an id is given by a part of it.
  if (operator !== "~=" && name !== "id") return (record) => texts(record).includes(value);
  const pattern = patternOf(operator === "~=" ? value : RegExp.escape(value), filter);
  return (record) => texts(record).some((text) => pattern.test(text));
}

function flagTest(flag: Test, { filter, operator, value }: { readonly filter: string; readonly operator: string; readonly value: string }): Test {
  const wanted = operator === "" ? "true" : value;
  if (operator === "~=" || !["true", "false"].includes(wanted)) throw new UpkeepError(`filter ${JSON.stringify(filter)}: it is true or false`);
  return (record) => flag(record) === ((wanted === "true") !== (operator === "!="));
}

function untilTest(name: string, value: string, nowMs: number): Test {
  const ms = parseDuration(value);
  if (ms === undefined) throw new UpkeepError(`"${name}" filter expects a duration (e.g., '24h'): time: ${/^\d+(?:\.\d+)?$/.test(value) ? "missing unit in" : "invalid"} duration ${JSON.stringify(value)}`);
  return ({ usedMs }) => usedMs <= nowMs - ms;
}

function patternOf(text: string, filter: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UpkeepError(`filter ${JSON.stringify(filter)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
