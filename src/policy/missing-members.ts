import { termsOf, visit } from "./rego/order.ts";
import type { Literal, Module, Ref, Rule, Term } from "./rego/syntax.ts";

type Json = Readonly<Record<string, unknown>>;

/** Members of the input that a policy names, two names deep, and that are not there: `image.labels`. None is missed where there is no input at all. */
export function missingMembers(module: Module, input: Json | undefined): readonly string[] {
  const found = new Set<string>();
  const see = (term: Term): void => {
    const path = term.kind === "ref" ? inputPath(term) : undefined;
    if (path !== undefined) found.add(path.join("."));
  };
  for (const rule of module.rules) seeRule(rule, see);
  return [...found].filter((path) => !hasPath(input, path.split("."))).toSorted();
}

function seeRule(rule: Rule, see: (term: Term) => void): void {
  for (const term of [...rule.args, ...rule.keys, rule.value]) visit(term, see);
  for (const literal of rule.body) seeLiteral(literal, see);
  if (rule.otherwise !== undefined) seeRule(rule.otherwise, see);
}

function seeLiteral(literal: Literal, see: (term: Term) => void): void {
  for (const term of termsOf(literal)) visit(term, see);
}

function inputPath({ head, path }: Ref): readonly string[] | undefined {
  if (head.kind !== "var" || head.name !== "input") return undefined;
  const names: string[] = [];
  for (const step of path.slice(0, 2)) {
    if (step.kind !== "value" || typeof step.value !== "string") break;
    names.push(step.value);
  }
  return names.length === 0 ? undefined : names;
}

function hasPath(input: unknown, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true;
  return typeof input === "object" && input !== null && first in input && hasPath((input as Json)[first], rest);
}

const LOOKED_UP: Readonly<Record<string, readonly string[]>> = {
  image: ["checksum", "labels", "user", "volumes", "workingDir", "env", "hasProvenance", "signatures", "provenance"],
  git: ["ref", "checksum", "commitChecksum", "isAnnotatedTag", "isSHA256", "tagName", "branch", "commit", "tag"],
  http: ["checksum"],
};

/** `image` or `git`, where all that is missing can be looked up, as buildx tells it. */
export function neededLookups(missing: readonly string[]): readonly string[] {
  const members = missing.map((path) => path.split(".")).filter(([kind = "", member]) => !(member === undefined && ["image", "git", "http", "local"].includes(kind)));
  if (members.some(([kind = "", member = ""]) => LOOKED_UP[kind]?.includes(member) !== true)) return [];
  return ["git", "image"].filter((kind) => members.some(([each]) => each === kind));
}
