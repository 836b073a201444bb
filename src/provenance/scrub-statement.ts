import { Scrubber, type Redaction } from "../scrub/scrubber.ts";
import { isList, isObject, parseJsonTree, renderJson, type JsonObject, type JsonTree } from "./json-tree.ts";
import { learnNamed } from "./learn-named.ts";
import { variableName } from "./request.ts";

/** Digests and numbers of steps: there are no texts in them. */
const NO_TEXTS: ReadonlySet<string> = new Set(["digestMapping", "digest", "locations", "layers"]);

/**
 * A SLSA predicate, of v0.2 or v1, with the secrets masked of which a builder wrote texts: options, steps, Dockerfiles in base64, addresses
 * of materials, and whatever else is a text. Members, their order and everything else stay. What was masked is `scrubber.redactions`.
 */
export function scrubPredicate(predicate: JsonObject, scrubber: Scrubber): JsonObject {
  return scrubMembers(predicate, (key, member) => scrubMember(key, member, { place: key, prefix: "", scrubber }));
}

/** Learns the secrets of a predicate that show at one place, so that they are found at every other. To be done before it is scrubbed. */
export function learnPredicate(predicate: JsonTree, scrubber: Scrubber): void {
  if (isList(predicate)) for (const item of predicate) learnPredicate(item, scrubber);
  if (!isObject(predicate)) {
    if (typeof predicate === "string") scrubber.learnText(predicate);
    return;
  }
  for (const [key, member] of Object.entries(predicate)) {
    if (NO_TEXTS.has(key)) continue;
    const name = variableName(key);
    if (typeof member === "string" && name !== undefined) scrubber.learnVariable(name, member);
    else if (typeof member === "string" && key === "data") scrubber.learnDockerfile(fromBase64(member));
    else if ((key === "environment" || key === "internalParameters") && isObject(member)) learnEnvironment(member, scrubber);
    else if (key === "env" && isList(member)) for (const variable of member) learnAssignment(variable, scrubber);
    else learnPredicate(member, scrubber);
  }
}

/** Steps, and members that an operator added. */
function learnEnvironment({ buildConfig, ...custom }: JsonObject, scrubber: Scrubber): void {
  learnPredicate(buildConfig, scrubber);
  learnNamed("", custom, scrubber);
}

/** Where our own records say what was masked: the metadata object of either version. */
function withRedactions(predicate: JsonObject, redactions: readonly Redaction[]): JsonObject {
  if (redactions.length === 0) return predicate;
  const { runDetails, metadata } = predicate;
  const told = new Map(redactions.map(({ place, kind }) => [`${kind} ${place}`, { place, kind }]));
  const said = (object: JsonTree): JsonObject => {
    const members = isObject(object ?? null) && isObject(object) ? object : {};
    const before = members["stemma_redacted"];
    return { ...members, stemma_redacted: [...(before !== undefined && isList(before) ? before : []), ...told.values()] };
  };
  return isObject(runDetails) ? { ...predicate, runDetails: { ...runDetails, metadata: said(runDetails["metadata"]) } } : { ...predicate, metadata: said(metadata) };
}

/** One of our own records, as it is published. */
export function publishedPredicate(predicate: JsonObject, { scrubber, imageRedactions }: { readonly scrubber: Scrubber; readonly imageRedactions: readonly Redaction[] }): JsonObject {
  const scrubbed = scrubPredicate(predicate, scrubber);
  return withRedactions(scrubbed, [...imageRedactions, ...scrubber.redactions]);
}

export interface ScrubbedStatement {
  readonly bytes: Uint8Array;
  /** What was masked now; empty where nothing was, and the bytes are then those that were given. */
  readonly redactions: readonly Redaction[];
}

/**
 * A finished in-toto statement with a SLSA predicate, of whichever builder, without its secrets; it says in `stemma_redacted` where they
 * were. Subjects stay. Throws StatementFormError for what is no such statement.
 */
export function scrubStatement(bytes: Uint8Array): ScrubbedStatement {
  const text = Buffer.from(bytes).toString("utf8");
  const statement = parseStatement(text);
  if (!isObject(statement) || !isObject(statement["predicate"])) throw new StatementFormError("an in-toto statement with a predicate is needed");
  const scrubber = new Scrubber();
  learnPredicate(statement["predicate"], scrubber);
  const predicate = scrubPredicate(statement["predicate"], scrubber);
  const { redactions } = scrubber;
  if (redactions.length === 0) return { bytes, redactions };
  const form = /^\s*\{\s*\n/.test(text) ? "indented" : "compact";
  return { bytes: Buffer.from(renderJson({ ...statement, predicate: withRedactions(predicate, redactions) }, form)), redactions };
}

function parseStatement(text: string): JsonTree {
  try {
    return parseJsonTree(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new StatementFormError(`an in-toto statement is needed: ${error.message}`, { cause: error });
    throw error;
  }
}

export class StatementFormError extends Error {
  override readonly name = "StatementFormError";
  readonly code = "parse";
  readonly retryable = false;
}

function learnAssignment(variable: JsonTree, scrubber: Scrubber): void {
  if (typeof variable !== "string") return;
  const at = variable.indexOf("=");
  if (at > 0) scrubber.learnVariable(variable.slice(0, at), variable.slice(at + 1));
}

interface Walk {
  /** What is looked at, as a redaction names it. */
  readonly place: string;
  /** Before the names of options and steps: of an input, or of a file that was itself read by steps; else empty. */
  readonly prefix: string;
  readonly scrubber: Scrubber;
}

function scrubTree(tree: JsonTree, walk: Walk): JsonTree {
  if (typeof tree === "string") return walk.scrubber.text(tree, walk.place);
  if (isList(tree)) return tree.map((item, i) => scrubTree(item, { ...walk, place: `${walk.place}[${i}]` }));
  return isObject(tree) ? scrubMembers(tree, (key, member) => scrubMember(key, member, { ...walk, place: walk.place === "" ? key : `${walk.place}.${key}` })) : tree;
}

function scrubMembers(object: JsonObject, scrub: (key: string, member: JsonTree) => JsonTree): JsonObject {
  return mapMembers(object, (key, member) => (NO_TEXTS.has(key) ? member : scrub(key, member)));
}

function mapMembers(object: JsonObject, map: (key: string, member: JsonTree) => JsonTree): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, member]) => [key, map(key, member)]));
}

/** What somebody else than a builder wrote, in whatever shape: every text is judged by the name that it has. */
function scrubNamed(name: string, value: JsonTree, walk: Walk): JsonTree {
  if (typeof value === "string") return walk.scrubber.variable(name, value, walk.place);
  if (isList(value)) return value.map((item, i) => scrubNamed(name, item, { ...walk, place: `${walk.place}[${i}]` }));
  return isObject(value) ? mapMembers(value, (key, member) => scrubNamed(key, member, { ...walk, place: `${walk.place}.${key}` })) : value;
}

/** The members that are more than texts, by their names. */
function scrubMember(key: string, member: JsonTree, walk: Walk): JsonTree {
  if (isObject(member)) {
    if (key === "configSource") return scrubMembers(member, (name, text) => scrubAddress(name, text, { ...walk, place: `${walk.prefix}${name === "uri" ? "context" : name}` }));
    if (key === "args") return scrubMembers(member, (name, value) => scrubOption(name, value, { ...walk, place: walk.prefix + name }));
    if (key === "inputs") return mapMembers(member, (name, input) => scrubTree(input, { ...walk, prefix: `${walk.prefix}${name} ` }));
    if (key === "vcs") return scrubMembers(member, (name, text) => scrubAddress(name, text, { ...walk, place: `vcs:${name}` }));
    // A builder's own members: `{"token": "…"}` of an environment.
    if (key === "environment" || key === "internalParameters") return mapMembers(member, (name, value) => (name === "buildConfig" ? scrubMember(name, value, { ...walk, place: name }) : scrubNamed(name, value, { ...walk, place: name })));
  }
  if (isList(member)) {
    if (key === "materials" || key === "resolvedDependencies") return member.map((material) => (isObject(material) ? scrubMembers(material, (name, text) => scrubAddress(name, text, { ...walk, place: "materials" })) : material));
    if (key === "llbDefinition") return member.map((step) => scrubStep(step, walk));
    if (key === "infos") return member.map((file) => scrubFile(file, walk));
  }
  return scrubTree(member, walk);
}

function scrubAddress(name: string, text: JsonTree, walk: Walk): JsonTree {
  return typeof text === "string" && /^(?:uri|source)$/.test(name) ? walk.scrubber.url(text, walk.place) : scrubTree(text, walk);
}

function scrubOption(key: string, value: JsonTree, walk: Walk): JsonTree {
  if (typeof value !== "string") return scrubTree(value, walk);
  const name = variableName(key);
  if (name !== undefined) return walk.scrubber.variable(name, value, walk.place);
  return key.startsWith("context:") || key === "vcs:source" ? walk.scrubber.url(value, walk.place) : walk.scrubber.text(value, walk.place);
}

/** A source file: a Dockerfile, and the steps by which it was read. */
function scrubFile(file: JsonTree, walk: Walk): JsonTree {
  if (!isObject(file)) return scrubTree(file, walk);
  const filename = typeof file["filename"] === "string" ? file["filename"] : "";
  const inFile = { ...walk, place: filename, prefix: `${filename} ` };
  return scrubMembers(file, (key, member) => (key === "data" && typeof member === "string" ? scrubBase64(member, (text) => walk.scrubber.dockerfile(text, filename)) : scrubMember(key, member, inFile)));
}

/** A step is a place by its name; within it, attributes and proxies are told by theirs. */
function scrubStep(step: JsonTree, { prefix, scrubber }: Walk): JsonTree {
  const place = prefix + (isObject(step) && typeof step["id"] === "string" ? step["id"] : "step");
  const scrub = (key: string, member: JsonTree): JsonTree => {
    if (isObject(member)) {
      if (key === "attrs") return scrubMembers(member, (name, value) => (typeof value === "string" ? scrubber.text(value, `${place} ${name}`) : value));
      if (key === "proxy_env") return scrubMembers(member, (name, value) => (typeof value === "string" ? scrubber.proxy(value, `${place} ${name}`) : value));
      return scrubMembers(member, scrub);
    }
    if (isList(member)) {
      if (isTexts(member)) return key === "env" ? member.map((variable) => scrubber.assignment(variable, place)) : scrubber.list(member, place);
      return member.map((item) => scrub("", item));
    }
    if (typeof member !== "string") return member;
    return key === "data" ? scrubBase64(member, (text) => scrubber.text(text, place)) : scrubber.text(member, place);
  };
  return scrub("", step);
}

/** What is no secret keeps its bytes, whatever its encoding. */
function scrubBase64(base64: string, scrub: (text: string) => string): string {
  const text = fromBase64(base64);
  const scrubbed = scrub(text);
  return scrubbed === text ? base64 : Buffer.from(scrubbed).toString("base64");
}

function fromBase64(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

function isTexts(list: readonly JsonTree[]): list is readonly string[] {
  return list.every((item) => typeof item === "string");
}
