import { BUILTINS, type Builtin } from "./builtins.ts";
import { orderRule, termsOf, visit } from "./order.ts";
import { parseModule } from "./parse-module.ts";
import { RegoError } from "./rego-error.ts";
import { resolveRule } from "./resolve.ts";
import type { Literal, Module, Rule, Term } from "./syntax.ts";

/** The rules of one name. */
export interface Group {
  readonly path: string;
  readonly makes: Rule["makes"];
  readonly rules: readonly Rule[];
  readonly byDefault: Rule | undefined;
}

/** Packages and rules by their path from `data` on. */
export interface PackageNode {
  readonly path: string;
  readonly children: Map<string, PackageNode>;
  group: Group | undefined;
}

export interface Program {
  readonly data: PackageNode;
  readonly functions: ReadonlyMap<string, Builtin>;
}

export interface Source {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads policies, and finds what cannot be before anything is evaluated: a name that nothing stands for, a function that is
 * not there, a rule that contradicts another. `load` gives the file of an import, or throws; `functions` are those beside the language's.
 */
export function compileProgram(sources: readonly Source[], { load, functions }: { readonly load: (path: readonly string[]) => Source | undefined; readonly functions: ReadonlyMap<string, Builtin> }): Program {
  const modules = withImports(sources.map(({ file, text }) => parseModule(file, text)), load);
  const data = emptyNode("data");
  const known = new Map([...BUILTINS, ...functions]);
  const rulePaths = new Set(modules.flatMap((module) => module.rules.map(({ path }) => JSON.stringify([...module.package, path[0]]))));
  for (const module of modules) {
    for (const name of module.package.map((_, i) => module.package.slice(0, i + 1))) nodeAt(data, name);
    for (const rule of module.rules) {
      const resolved = orderRule(resolveRule(rule, { module, hasRule: (path) => rulePaths.has(JSON.stringify(path)) }));
      addRule(nodeAt(data, [...module.package, ...rule.path]), resolved);
    }
  }
  const program = { data, functions: known };
  for (const group of groupsOf(data)) for (const rule of [...group.rules, ...(group.byDefault === undefined ? [] : [group.byDefault])]) checkRule(rule, program);
  return program;
}

/** The modules with those that they import, and these import. A package that is there already is not loaded. */
function withImports(given: readonly Module[], load: (path: readonly string[]) => Source | undefined): readonly Module[] {
  const modules = [...given];
  const packages = new Set(given.map((module) => module.package.join(".")));
  for (let i = 0; i < modules.length; i++) {
    for (const { path: [root, ...path], place } of modules[i]?.imports ?? []) {
      const name = path.join(".");
      if (root !== "data" || path.length === 0 || packages.has(name)) continue;
      packages.add(name);
      const source = load(path);
      if (source === undefined) throw new RegoError("parse", `import data.${name} not found: ${path.join("/")}.rego is not in the context`, place);
      modules.push({ ...parseModule(source.file, source.text), package: path });
    }
  }
  return modules;
}

function emptyNode(path: string): PackageNode {
  return { path, children: new Map(), group: undefined };
}

function nodeAt(root: PackageNode, path: readonly string[]): PackageNode {
  return path.reduce((node, name) => {
    const child = node.children.get(name) ?? emptyNode(`${node.path}.${name}`);
    node.children.set(name, child);
    return child;
  }, root);
}

export function findNode(root: PackageNode, path: readonly string[]): PackageNode | undefined {
  return path.reduce<PackageNode | undefined>((node, name) => node?.children.get(name), root);
}

function addRule(node: PackageNode, rule: Rule): void {
  const { group } = node;
  const makes = group?.makes ?? rule.makes;
  if (makes !== rule.makes) throw new RegoError("type", `conflicting rules ${node.path} found: one makes a ${makes}, another a ${rule.makes}`, rule.place);
  const [arity] = group?.rules ?? [];
  if (arity !== undefined && arity.args.length !== rule.args.length) throw new RegoError("type", `conflicting rules ${node.path} found: they have different numbers of arguments`, rule.place);
  if (rule.isDefault && group?.byDefault !== undefined) throw new RegoError("type", `multiple default rules ${node.path} found`, rule.place);
  node.group = {
    path: node.path, makes,
    rules: [...(group?.rules ?? []), ...(rule.isDefault ? [] : [rule])],
    byDefault: rule.isDefault ? rule : group?.byDefault,
  };
}

function* groupsOf(node: PackageNode): Generator<Group> {
  if (node.group !== undefined) yield node.group;
  for (const child of node.children.values()) yield* groupsOf(child);
}

function checkRule(rule: Rule, program: Program): void {
  const see = (term: Term): void => void (term.kind === "call" && checkCall(term, program));
  for (const term of [...rule.args, ...rule.keys, rule.value, ...rule.body.flatMap(termsOf)]) visit(term, see);
  for (const literal of rule.body) checkWiths(literal, program);
  if (rule.otherwise !== undefined) checkRule(rule.otherwise, program);
}

function checkCall({ name, args, place }: Extract<Term, { readonly kind: "call" }>, program: Program): void {
  const arity = arityOf(name, program);
  if (arity === undefined) throw new RegoError("type", `undefined function ${name.join(".")}`, place);
  if (arity !== "any" && arity !== args.length) throw new RegoError("type", `${name.join(".")}: arity mismatch: it takes ${arity} arguments, and has ${args.length}`, place);
}

export function arityOf(name: readonly string[], { data, functions }: Program): number | "any" | undefined {
  const builtin = functions.get(name.join("."));
  if (builtin !== undefined) return builtin.arity;
  const [root, ...path] = name;
  const group = root === "data" ? findNode(data, path)?.group : undefined;
  return group?.makes === "function" ? (group.rules[0] ?? group.byDefault)?.args.length : undefined;
}

/** What is replaced has to be there: a mistyped path would replace nothing. Nodes are made for data that no rule makes. */
function checkWiths(literal: Literal, program: Program): void {
  for (const { target, place } of literal.withs) {
    const [root, ...path] = target;
    if (root === "input" || arityOf(target, program) !== undefined) continue;
    if (root !== "data") throw new RegoError("type", `with keyword target must reference existing input, data, or a function: ${target.join(".")}`, place);
    if (findNode(program.data, path) === undefined && path.some((_, i) => findNode(program.data, path.slice(0, i))?.group !== undefined)) {
      throw new RegoError("type", `with keyword cannot replace a part of the rule ${target.join(".")}`, place);
    }
    nodeAt(program.data, path);
  }
  if (literal.kind === "not") checkWiths(literal.literal, program);
  if (literal.kind === "every") for (const each of literal.body) checkWiths(each, program);
  for (const term of termsOf(literal)) visit(term, (each) => void (each.kind === "comprehension" && each.body.forEach((inner) => checkWiths(inner, program))));
}
