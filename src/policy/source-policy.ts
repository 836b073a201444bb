import { PolicyError } from "./policy-error.ts";
import { goRegExp, PatternError } from "./regular-expression.ts";
import { expandTemplate } from "./expand-template.ts";

/** A source of a graph, as far as a policy may change it. */
export interface PolicySource {
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
}

/** BuildKit's policy of sources: what is allowed, what is denied, and what is taken in place of another. */
export interface SourcePolicy {
  readonly rules: readonly SourceRule[];
}

export interface SourceRule {
  readonly action: "ALLOW" | "DENY" | "CONVERT";
  readonly identifier: string;
  readonly expression: RegExp | undefined;
  readonly constraints: readonly Constraint[];
  /** Undefined where the rule has none. */
  readonly updates: { readonly identifier: string; readonly attrs: Readonly<Record<string, string>> } | undefined;
}

export interface Constraint {
  readonly key: string;
  readonly value: string;
  readonly condition: "EQUAL" | "NOTEQUAL" | "MATCHES";
}

/** Conversions of one source, one after the other: BuildKit's bound. */
const CONVERSIONS_MAX = 20;

/** What is to be used in place of the source: itself, mostly. All policies have to allow it. Throws PolicyError for one that is denied. */
export function evaluateSourcePolicies(policies: readonly SourcePolicy[], asked: PolicySource): PolicySource {
  let source = asked;
  for (let i = 0; i <= CONVERSIONS_MAX; i++) {
    const converted = convertedBy(policies, source);
    if (converted === undefined) return source;
    source = converted;
  }
  throw new PolicyError("too many mutations on a single source: too many operations");
}

/** The first that changes the source has all asked anew. */
function convertedBy(policies: readonly SourcePolicy[], source: PolicySource): PolicySource | undefined {
  for (const { rules } of policies) {
    const converted = evaluateOnce(rules, source);
    if (converted !== undefined) return converted;
  }
  return undefined;
}

/** Of what allows and denies the last rule counts; the first one that changes the source begins anew. */
function evaluateOnce(rules: readonly SourceRule[], source: PolicySource): PolicySource | undefined {
  let isDenied = false;
  for (const rule of rules) {
    if (!matches(rule, source)) continue;
    if (rule.action === "CONVERT") {
      const converted = convert(rule, source);
      if (converted !== undefined) return converted;
    } else isDenied = rule.action === "DENY";
  }
  if (isDenied) throw new PolicyError(`source ${JSON.stringify(source.identifier)} denied by policy: source denied by policy`);
  return undefined;
}

function matches({ identifier, expression, constraints }: SourceRule, source: PolicySource): boolean {
  const isHeld = constraints.every(({ key, value, condition }) => {
    const found = source.attrs[key] ?? "";
    if (condition === "MATCHES") return goPattern(value).test(found);
    return (found === value) === (condition === "EQUAL");
  });
  return isHeld && (source.identifier === identifier || expression?.test(source.identifier) === true);
}

export function goPattern(pattern: string): RegExp {
  try {
    return goRegExp(pattern);
  } catch (error) {
    if (error instanceof PatternError) throw new PolicyError(`invalid regex ${JSON.stringify(pattern)}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Undefined where nothing would change. */
function convert({ updates, identifier, expression }: SourceRule, source: PolicySource): PolicySource | undefined {
  if (updates === undefined) throw new PolicyError("error mutating source policy: missing destination for convert rule");
  const wanted = updates.identifier === "" ? identifier : updates.identifier;
  const match = expression?.exec(source.identifier);
  const made = match === undefined || match === null
    ? (expression === undefined ? wanted : source.identifier)
    : source.identifier.slice(0, match.index) + expandTemplate(wanted, match) + source.identifier.slice(match.index + match[0].length);
  const next = { identifier: made === "" ? source.identifier : made, attrs: { ...source.attrs, ...updates.attrs } };
  const isChanged = next.identifier !== source.identifier || Object.entries(updates.attrs).some(([key, value]) => source.attrs[key] !== value);
  return isChanged ? next : undefined;
}
