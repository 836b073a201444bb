import { TimeSlice } from "../content/time-slice.ts";
import { Scrubber, type Redaction } from "../scrub/scrubber.ts";
import { isList, isObject, parseJsonTree, renderJson, type JsonObject, type JsonTree } from "./json-tree.ts";
import { isCycloneDx, isProvenance, isSpdx } from "./predicate-type.ts";
import { scrubStatement, type ScrubbedStatement } from "./scrub-statement.ts";

/**
 * A finished in-toto statement of whatever predicate, without its secrets; it says where they were, in the place that
 * its format has for remarks. The bytes are those that were given where there is no secret.
 * Throws StatementFormError, SyntaxError.
 */
export function scrubDocument(bytes: Uint8Array, predicateType: string): ScrubbedStatement {
  if (isProvenance(predicateType)) return scrubStatement(bytes);
  const text = Buffer.from(bytes).toString("utf8");
  const statement = parseJsonTree(text);
  if (!isObject(statement)) throw new SyntaxError("an in-toto statement is an object");
  const scrubber = new Scrubber();
  const walk = walkOf(predicateType, scrubber);
  const predicate = statement["predicate"];
  learn(predicate, walk);
  const scrubbed = scrub("predicate", predicate, walk);
  const { redactions } = scrubber;
  if (redactions.length === 0) return { bytes, redactions };
  const form = /^\s*\{\s*\n/.test(text) ? "indented" : "compact";
  return { bytes: Buffer.from(renderJson({ ...statement, predicate: withRedactions(scrubbed, redactions, predicateType) }, form)), redactions };
}

/**
 * The same for a predicate that was read and is to be published, such as a scanner's document: the tree that was given where there is no
 * secret. What was masked is `scrubber.redactions`.
 */
export async function scrubDocumentTree(predicate: JsonTree, { predicateType, scrubber }: { readonly predicateType: string; readonly scrubber: Scrubber }, signal: AbortSignal): Promise<JsonTree> {
  const walk = walkOf(predicateType, scrubber);
  const slice = new TimeSlice();
  for (const { tree, name } of parts(predicate)) {
    if (slice.isSpent) await slice.renew(signal);
    learn(tree, walk, name);
  }
  const scrubbed = await scrubMembers("predicate", predicate, async (place, tree, name) => {
    if (slice.isSpent) await slice.renew(signal);
    return scrub(place, tree, walk, name);
  });
  const { redactions } = scrubber;
  return redactions.length === 0 ? predicate : withRedactions(scrubbed, redactions, predicateType);
}

/** What was masked, in words: `predicate.packages[0].homepage (url-credentials)`. */
export function redactionsText(redactions: readonly Redaction[]): string {
  return toldOf(redactions).map(({ place, kind }) => `${place} (${kind})`).join(", ");
}

interface Walk {
  readonly scrubber: Scrubber;
  /** A list of packages has members called `key` that are none; elsewhere a name may say that a value is secret. */
  readonly judgesNames: boolean;
}

function walkOf(predicateType: string, scrubber: Scrubber): Walk {
  return { scrubber, judgesNames: !isSpdx(predicateType) && !isCycloneDx(predicateType) };
}

/** A document's members, and the items of those that are lists: none is large. */
function* parts(predicate: JsonTree): Generator<{ readonly tree: JsonTree; readonly name: string }> {
  if (!isObject(predicate)) return yield { tree: predicate, name: "" };
  for (const [name, member] of Object.entries(predicate)) {
    if (isList(member)) for (const tree of member) yield { tree, name: "" };
    else yield { tree: member, name };
  }
}

async function scrubMembers(place: string, tree: JsonTree, scrubPart: (place: string, tree: JsonTree, name: string) => Promise<JsonTree>): Promise<JsonTree> {
  if (!isObject(tree)) return await scrubPart(place, tree, "");
  const members: Array<readonly [string, JsonTree]> = [];
  for (const [key, member] of Object.entries(tree)) {
    const items: JsonTree[] = [];
    if (isList(member)) for (const [i, item] of member.entries()) items.push(await scrubPart(`${place}.${key}[${i}]`, item, ""));
    members.push([key, isList(member) ? items : await scrubPart(`${place}.${key}`, member, key)]);
  }
  return Object.fromEntries(members);
}

/** To be done before anything is scrubbed: what shows as a secret at one place is found at every other. */
function learn(tree: JsonTree, walk: Walk, name = ""): void {
  if (typeof tree === "string") {
    if (walk.judgesNames && name !== "") walk.scrubber.learnVariable(name, tree);
    else walk.scrubber.learnText(tree);
  }
  if (isList(tree)) for (const item of tree) learn(item, walk);
  else if (isObject(tree)) for (const [key, member] of Object.entries(tree)) learn(member, walk, key);
}

function scrub(place: string, tree: JsonTree, walk: Walk, name = ""): JsonTree {
  if (typeof tree === "string") return walk.judgesNames && name !== "" ? walk.scrubber.variable(name, tree, place) : walk.scrubber.text(tree, place);
  if (isList(tree)) return tree.map((item, i) => scrub(`${place}[${i}]`, item, walk));
  if (!isObject(tree)) return tree;
  return Object.fromEntries(Object.entries(tree).map(([key, member]) => [key, scrub(`${place}.${key}`, member, walk, key)]));
}

/** SPDX has a comment, CycloneDX properties; what has no place of its own gets the member that our own records have. */
function withRedactions(predicate: JsonTree, redactions: readonly Redaction[], predicateType: string): JsonTree {
  const words = `stemma_redacted: ${redactionsText(redactions)}`;
  if (typeof predicate === "string") return isSpdx(predicateType) ? `${predicate.replace(/\n?$/, "\n")}# ${words}\n` : predicate;
  if (!isObject(predicate)) return predicate;
  if (isSpdx(predicateType)) return { ...predicate, comment: typeof predicate["comment"] === "string" ? `${predicate["comment"]}\n${words}` : words };
  if (isCycloneDx(predicateType)) return { ...predicate, metadata: withProperty(memberObject(predicate, "metadata"), words) };
  const before = predicate["stemma_redacted"];
  return { ...predicate, stemma_redacted: [...(isList(before) ? before : []), ...toldOf(redactions)] };
}

function toldOf(redactions: readonly Redaction[]): ReadonlyArray<{ readonly place: string; readonly kind: string }> {
  return [...new Map(redactions.map(({ place, kind }) => [`${kind} ${place}`, { place, kind }])).values()];
}

/** CycloneDX 1.3 and later. */
function withProperty(metadata: JsonObject, words: string): JsonObject {
  const [name, value] = ["stemma:redacted", words.replace(/^stemma_redacted: /, "")];
  const before = metadata["properties"];
  return { ...metadata, properties: [...(isList(before) ? before : []), { name, value }] };
}

function memberObject(object: JsonObject, key: string): JsonObject {
  const member = object[key];
  return isObject(member) ? member : {};
}
