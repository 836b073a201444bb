import { PolicyError } from "./policy-error.ts";
import { goPattern, type Constraint, type SourcePolicy, type SourceRule } from "./source-policy.ts";

const ACTIONS = ["ALLOW", "DENY", "CONVERT"] as const;
const MATCH_TYPES = ["WILDCARD", "EXACT", "REGEX"] as const;
const CONDITIONS = ["EQUAL", "NOTEQUAL", "MATCHES"] as const;

/** A list of rules as JSON has it, whoever made that. Throws PolicyError. */
export function sourcePolicyOf(json: unknown): SourcePolicy {
  const { rules } = members(json, "the policy", ["version", "rules"]);
  return { rules: list(rules, "rules").map((rule, i) => ruleOf(rule, `rules[${i}]`)) };
}

/** Reads the JSON of EXPERIMENTAL_BUILDKIT_SOURCE_POLICY. Throws PolicyError: of what is not understood nobody knows what it would have denied. */
export function parseSourcePolicy(text: string, path: string): SourcePolicy {
  try {
    return sourcePolicyOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof PolicyError) throw new PolicyError(`failed to parse source policy ${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

function ruleOf(json: unknown, place: string): SourceRule {
  const { action, selector, updates } = members(json, place, ["action", "selector", "updates"]);
  if (selector === undefined || selector === null) throw new PolicyError(`${place}: invalid nil selector in policy`);
  const { identifier, match_type: matchType, matchType: camelType, constraints } = members(selector, `${place}.selector`, ["identifier", "match_type", "matchType", "constraints"]);
  const pattern = text(identifier, `${place}.selector.identifier`);
  return {
    action: word(action, ACTIONS, `${place}.action`),
    identifier: pattern,
    expression: expressionOf(pattern, word(matchType ?? camelType, MATCH_TYPES, `${place}.selector.match_type`)),
    constraints: list(constraints, `${place}.selector.constraints`).map((each, i) => constraintOf(each, `${place}.selector.constraints[${i}]`)),
    updates: updates === undefined || updates === null ? undefined : updatesOf(updates, `${place}.updates`),
  };
}

function expressionOf(pattern: string, type: (typeof MATCH_TYPES)[number]): RegExp | undefined {
  if (type === "EXACT") return undefined;
  if (type === "REGEX") return goPattern(pattern);
  if (pattern.includes("**")) throw new PolicyError(`failed to translate wildcard ${JSON.stringify(pattern)} to regexp: invalid wildcard: "**"`);
  return new RegExp(`^${pattern.split("*").map((part) => part.replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&")).join("(.*)")}$`, "u");
}

function constraintOf(json: unknown, place: string): Constraint {
  const { key, value, condition } = members(json, place, ["key", "value", "condition"]);
  return { key: text(key, `${place}.key`), value: text(value, `${place}.value`), condition: word(condition, CONDITIONS, `${place}.condition`) };
}

function updatesOf(json: unknown, place: string): SourceRule["updates"] {
  const { identifier, attrs } = members(json, place, ["identifier", "attrs"]);
  const named = attrs === undefined || attrs === null ? {} : members(attrs, `${place}.attrs`, undefined);
  return { identifier: text(identifier, `${place}.identifier`), attrs: Object.fromEntries(Object.entries(named).map(([key, value]) => [key, text(value, `${place}.attrs.${key}`)])) };
}

function members(json: unknown, place: string, known: readonly string[] | undefined): Readonly<Record<string, unknown>> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new PolicyError(`${place} must be an object`);
  const unknown = known && Object.keys(json).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new PolicyError(`${place}: unknown member ${JSON.stringify(unknown)}; there are ${known?.join(", ")}`);
  return { ...json };
}

function list(json: unknown, place: string): readonly unknown[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) throw new PolicyError(`${place} must be a list`);
  return json;
}

function text(json: unknown, place: string): string {
  if (json === undefined) return "";
  if (typeof json !== "string") throw new PolicyError(`${place} must be a text`);
  return json;
}

/** By name or by number; the first one is what is not said. */
function word<Word extends string>(json: unknown, words: readonly [Word, ...Word[]], place: string): Word {
  const found = json === undefined ? words[0] : words.find((each, i) => each === json || i === json);
  if (found === undefined) throw new PolicyError(`${place}: ${JSON.stringify(json)} is none of ${words.join(", ")}`);
  return found;
}
