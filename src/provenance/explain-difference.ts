import { isDeepStrictEqual } from "node:util";
import type { Digest } from "../content/digest.ts";
import { encodeDefinition, type Definition } from "../llb/definition.ts";
import { loadGraph, type LlbGraph, type LlbVertex } from "../llb/graph.ts";
import { LocationsSchema, message, OpMetadataSchema, OpSchema } from "../llb/op.ts";
import type { JsonTree } from "./json-tree.ts";
import { isObject, renderJson } from "./json-tree.ts";
import { messageJson } from "./op-json.ts";

/**
 * The first difference of two definitions in words, in the order of the first; undefined where their bytes are equal.
 * An op whose inputs differ is not the first: they come before it. Throws LlbError for what is no graph.
 */
export function explainDifference(a: Definition, b: Definition): string | undefined {
  const [left, right] = [loadGraph(a), loadGraph(b)];
  return graphDifference(left, right) ?? metadataDifference(a, b, left) ?? (Buffer.from(encodeDefinition(a)).equals(encodeDefinition(b)) ? undefined : sourceDifference(a, b));
}

function graphDifference(left: LlbGraph, right: LlbGraph): string | undefined {
  const [ours, theirs] = [[...left.vertices.values()], [...right.vertices.values()]];
  const common = new Set(ours.filter(({ digest }) => right.vertices.has(digest)).map(({ digest }) => digest));
  const first = ours.find(({ digest }) => !common.has(digest));
  const other = theirs.find(({ digest }) => !common.has(digest));
  if (first !== undefined && other !== undefined) return stepDifference(first, partnerOf(first, theirs, common) ?? other);
  if (first !== undefined) return `A has a step that B has not: ${shown(first)}`;
  if (other !== undefined) return `B has a step that A has not: ${shown(other)}`;
  const order = ours.find(({ digest }, at) => theirs[at]?.digest !== digest);
  if (order !== undefined) return `the steps are the same, in another order, from ${shown(order)} on`;
  return isDeepStrictEqual(left.head, right.head) ? undefined : `the results differ: A's is ${edge(left)}, B's is ${edge(right)}`;
}

/** The step of the other side that is most likely the same one: by its name, else the first of its kind. */
function partnerOf(step: LlbVertex, others: readonly LlbVertex[], common: ReadonlySet<Digest>): LlbVertex | undefined {
  const free = others.filter(({ digest }) => !common.has(digest));
  return free.find(({ name }) => name === step.name) ?? free.find(({ op }) => op.op.case === step.op.op.case);
}

function stepDifference(a: LlbVertex, b: LlbVertex): string {
  const path = firstDifference(messageJson(OpSchema, a.op), messageJson(OpSchema, b.op), "");
  const names = a.name === b.name ? `the step ${JSON.stringify(a.name)}${place(a)} differs` : `A's step ${JSON.stringify(a.name)}${place(a)} is ${JSON.stringify(b.name)}${place(b)} in B`;
  const what = path === undefined ? "" : `: ${path}`;
  return `${names}${what}\n  A: ${a.digest}\n  B: ${b.digest}`;
}

function metadataDifference(a: Definition, b: Definition, graph: LlbGraph): string | undefined {
  for (const { digest, name } of graph.vertices.values()) {
    const [left, right] = [a, b].map(({ metadata }) => messageJson(OpMetadataSchema, metadata.get(digest) ?? message(OpMetadataSchema)));
    const path = firstDifference(left, right, "");
    if (path !== undefined) return `the steps are the same; what is said of ${JSON.stringify(name)} differs: ${path}`;
    const [here, there] = [a, b].map(({ source }) => messageJson(LocationsSchema, source?.locations[digest] ?? message(LocationsSchema)));
    const lines = firstDifference(here, there, "");
    if (lines !== undefined) return `the steps are the same; the lines of ${JSON.stringify(name)} differ: ${lines}`;
  }
  return undefined;
}

function sourceDifference(a: Definition, b: Definition): string {
  const [ours = [], theirs = []] = [a, b].map(({ source }) => source?.infos ?? []);
  const at = ours.findIndex((info, index) => info.filename !== theirs[index]?.filename || !Buffer.from(info.data).equals(theirs[index]?.data ?? Buffer.alloc(0)));
  const name = ours[Math.max(at, 0)]?.filename ?? theirs[0]?.filename ?? "source file";
  return `the steps and all that is said of them are the same; the text or origin of ${name} differs`;
}

/** `exec.meta.args[2] is "a" in A and "b" in B`: the first member that differs, as deep as it goes. */
function firstDifference(a: JsonTree, b: JsonTree, path: string): string | undefined {
  if (Array.isArray(a) && Array.isArray(b)) return ofMembers(a.keys(), (key) => [a[key] as JsonTree, b[key] as JsonTree, `${path}[${key}]`]) ?? longer(a, b, path);
  if (isObject(a) && isObject(b)) return ofMembers(new Set([...Object.keys(a), ...Object.keys(b)]), (key) => [a[key], b[key], path === "" ? key : `${path}.${key}`]);
  if (isDeepStrictEqual(a, b)) return undefined;
  return `${path} is ${written(a)} in A and ${written(b)} in B`;
}

function ofMembers<Key>(keys: Iterable<Key>, member: (key: Key) => readonly [a: JsonTree, b: JsonTree, path: string]): string | undefined {
  for (const key of keys) {
    const found = firstDifference(...member(key));
    if (found !== undefined) return found;
  }
  return undefined;
}

function longer(a: readonly JsonTree[], b: readonly JsonTree[], path: string): string | undefined {
  return b.length > a.length ? `${path}[${a.length}] is nothing in A and ${written(b[a.length])} in B` : undefined;
}

function written(value: JsonTree): string {
  return value === undefined ? "nothing" : renderJson(value, "compact");
}

function shown(step: LlbVertex): string {
  return `${JSON.stringify(step.name)}${place(step)} ${step.digest}`;
}

function place({ locations }: LlbVertex): string {
  const line = locations[0]?.ranges[0]?.start?.line;
  return line === undefined ? "" : ` (line ${line})`;
}

function edge({ head, vertices }: LlbGraph): string {
  return head === undefined ? "an empty tree" : `output ${head.index} of ${JSON.stringify(vertices.get(head.digest)?.name ?? head.digest)}`;
}
