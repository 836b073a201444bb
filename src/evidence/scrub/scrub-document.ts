import { isList, isObject, parseJsonTree, renderJson, type JsonObject, type JsonTree } from "../../provenance/json-tree.ts";
import { scrubStatement, type ScrubbedStatement } from "../../provenance/scrub-statement.ts";
import { Scrubber, type Redaction } from "../../scrub/scrubber.ts";
import { isCycloneDx, isProvenance, isSpdx } from "../../trace/statement.ts";

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
  const walk: Walk = { scrubber, judgesNames: !isSpdx(predicateType) && !isCycloneDx(predicateType) };
  const predicate = statement["predicate"];
  learn(predicate, walk);
  const scrubbed = scrub("predicate", predicate, walk);
  const { redactions } = scrubber;
  if (redactions.length === 0) return { bytes, redactions };
  const form = /^\s*\{\s*\n/.test(text) ? "indented" : "compact";
  return { bytes: Buffer.from(renderJson({ ...statement, predicate: withRedactions(scrubbed, redactions, predicateType) }, form)), redactions };
}

interface Walk {
  readonly scrubber: Scrubber;
  /** A list of packages has members called `key` that are none; elsewhere a name may say that a value is secret. */
  readonly judgesNames: boolean;
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
  const told = [...new Map(redactions.map(({ place, kind }) => [`${kind} ${place}`, { place, kind }])).values()];
  const words = `stemma_redacted: ${told.map(({ place, kind }) => `${place} (${kind})`).join(", ")}`;
  if (typeof predicate === "string") return isSpdx(predicateType) ? `${predicate.replace(/\n?$/, "\n")}# ${words}\n` : predicate;
  if (!isObject(predicate)) return predicate;
  if (isSpdx(predicateType)) return { ...predicate, comment: typeof predicate["comment"] === "string" ? `${predicate["comment"]}\n${words}` : words };
  if (isCycloneDx(predicateType)) return { ...predicate, metadata: withProperty(memberObject(predicate, "metadata"), words) };
  const before = predicate["stemma_redacted"];
  return { ...predicate, stemma_redacted: [...(isList(before) ? before : []), ...told] };
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
