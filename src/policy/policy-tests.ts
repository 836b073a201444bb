import { compilePolicies, explained, NOTHING, type BuildPolicyMeans } from "./build-policy.ts";
import type { AskedAbout } from "./build-functions.ts";
import { inOrder } from "./input-json.ts";
import { missingMembers, neededLookups } from "./missing-members.ts";
import { PolicyError } from "./policy-error.ts";
import type { Program, Source } from "./rego/program.ts";
import { parseModule } from "./rego/parse-module.ts";
import { evaluateRule } from "./rego/rego.ts";
import type { Literal, Module, Rule, Term } from "./rego/syntax.ts";
import { fromJson, isArray, isEqual, jsonText, RegoObject, RegoSet, type Value } from "./rego/value.ts";

type Json = Readonly<Record<string, unknown>>;

export interface PolicyTests extends Pick<BuildPolicyMeans, "readModule" | "readFile" | "nowNs"> {
  readonly policy: Source;
  readonly tests: readonly Source[];
  /** Only tests whose names have it in them. */
  readonly run: string;
  /** The input as a build would have it, for one that a test gives in part. */
  readonly complete: (input: Json) => Json;
}

/** What one test says, and what the policy decides on the same input. */
export interface PolicyTestResult {
  readonly name: string;
  readonly passed: boolean;
  /** Undefined where the test gives none. */
  readonly input: unknown;
  /** Undefined where its package makes none. */
  readonly decision: { readonly allow?: boolean; readonly deny_msg?: readonly string[]; readonly caps?: Json } | undefined;
  /** Members of the input that the policy looks at, and that are not there. */
  readonly missing: readonly string[];
  /** What a build would look up for them. */
  readonly needed: readonly string[];
}

/** Evaluates `test_…` rules, in the order of their names. Nothing is looked up. Throws PolicyError for what cannot be read or evaluated, and where there are no tests. */
export function runPolicyTests({ policy, tests, run, complete, ...means }: PolicyTests): readonly PolicyTestResult[] {
  let asked: AskedAbout = NOTHING;
  const program = compilePolicies([policy, ...tests], means, () => asked);
  const modules = explained(() => tests.map(({ file, text }) => parseModule(file, text)));
  const policyModule = explained(() => parseModule(policy.file, policy.text));
  const found = testsOf(modules).filter(({ name }) => name.includes(run));
  if (found.length === 0) throw new PolicyError("no tests found");
  return found.map(({ name, path }): PolicyTestResult => {
    const given = inputOf(modules, { name, path });
    const input = given === undefined ? undefined : complete(given);
    asked = { ...NOTHING, input: fromJson(input ?? {}), pins: new Set() };
    const evaluate = (rule: string): Value | undefined => evaluated(program, [...path, rule], input, means.nowNs);
    const passed = evaluate(name) === true;
    const decision = decisionOf(evaluate("decision"));
    const missing = samePackage(policyModule, path) ? missingMembers(policyModule, input) : [];
    return { name, passed, input: input === undefined ? undefined : inOrder("", input), decision, missing, needed: neededLookups(missing) };
  });
}

function evaluated(program: Program, path: readonly string[], input: Json | undefined, nowNs: bigint): Value | undefined {
  return explained(() => evaluateRule(program, path, input === undefined ? undefined : fromJson(input), { nowNs, print: () => undefined, onBuiltinError: () => undefined }));
}

interface TestName {
  readonly name: string;
  readonly path: readonly string[];
}

/** Rules that are true or nothing. Of two of one name the last counts. */
function testsOf(modules: readonly Module[]): readonly TestName[] {
  const found = new Map<string, TestName>();
  for (const module of modules) {
    for (const { path: [name = "", ...rest], keys, args, makes, value } of module.rules) {
      if (!name.startsWith("test_") || rest.length > 0 || keys.length > 0 || args.length > 0 || makes !== "value" || value.kind !== "value" || typeof value.value !== "boolean") continue;
      found.set(name, { name, path: module.package });
    }
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function samePackage(module: Module, path: readonly string[]): boolean {
  return module.package.join(".") === path.join(".");
}

/** What `with input as` gives in the test's own rules. Throws PolicyError for two that differ: it could not be told on which the policy decides. */
function inputOf(modules: readonly Module[], { name, path }: TestName): Json | undefined {
  const rules = modules.filter((module) => samePackage(module, path)).flatMap((module) => module.rules.filter((rule) => rule.path[0] === name));
  const values = rules.flatMap(({ body }: Rule) => body.flatMap(inputsOf)).map(constantOf).filter((value) => value !== undefined);
  const [first, ...others] = values;
  if (first === undefined) return undefined;
  if (others.some((other) => !isEqual(other, first))) throw new PolicyError(`multiple input overrides for ${name}`);
  // What the language makes of an object is one in JSON.
  return first instanceof RegoObject ? (JSON.parse(jsonText(first)) as Json) : undefined;
}

function inputsOf(literal: Literal): readonly Term[] {
  const own = literal.withs.filter(({ target }) => target.length === 1 && target[0] === "input").map(({ value }) => value);
  return literal.kind === "not" ? [...own, ...inputsOf(literal.literal)] : own;
}

/** Undefined for what is not known before it is evaluated. */
function constantOf(term: Term): Value | undefined {
  switch (term.kind) {
    case "value":
      return term.value;
    case "array":
    case "set": {
      const items = term.items.map(constantOf).filter((item) => item !== undefined);
      if (items.length < term.items.length) return undefined;
      return term.kind === "array" ? items : new RegoSet(items);
    }
    case "object": {
      const entries = term.entries.map(([key, value]) => [constantOf(key), constantOf(value)] as const);
      const known = entries.flatMap(([key, value]) => (key === undefined || value === undefined ? [] : [[key, value] as const]));
      return known.length < entries.length ? undefined : RegoObject.of(known);
    }
    case "var":
    case "ref":
    case "call":
    case "comprehension":
    case "template":
      return undefined;
  }
}

/** As it is shown: nothing of it is refused. */
function decisionOf(value: Value | undefined): PolicyTestResult["decision"] {
  if (!(value instanceof RegoObject)) return undefined;
  const [allow, said, caps] = [value.get("allow"), value.get("deny_msg"), value.get("caps")];
  const listed = typeof said === "string" ? [said] : said instanceof RegoSet ? said.values() : said !== undefined && isArray(said) ? said : [];
  const messages = listed.filter((each) => typeof each === "string");
  const wanted = caps instanceof RegoObject ? caps.entries().flatMap(([name, each]) => (typeof name === "string" && typeof each === "boolean" ? [[name, each] as const] : [])) : [];
  return {
    ...(typeof allow === "boolean" ? { allow } : {}), ...(messages.length === 0 ? {} : { deny_msg: messages }),
    ...(wanted.length === 0 ? {} : { caps: Object.fromEntries(wanted) }),
  };
}
