import { isSaid, NestedInput, type PolicyInput } from "./input-value.ts";

type Json = Readonly<Record<string, unknown>>;

/** buildx's order. Members that are not named come after those that are. */
const MEMBERS: Readonly<Record<string, string>> = {
  "": "env local image http git",
  env: "args labels filename target capsRequest depth",
  image: "ref host repo fullRepo tag platform os arch variant isCanonical checksum createdTime env labels user volumes workingDir hasProvenance provenance signatures",
  http: "url schema host path query hasAuth checksum",
  git: "schema host remote fullURL tagName branch ref subDir isCommitRef isSHA256 checksum commitChecksum isAnnotatedTag tag commit",
  provenance: "predicateType buildType builderID invocationID startedOn finishedOn configSource frontend buildArgs rawArgs reproducible hermetic completeness materials",
};

/** Maps of the user's names: Go writes these in order. */
const SORTED: ReadonlySet<string> = new Set(["labels", "args", "query", "buildArgs", "rawArgs", "digest"]);

/** The input as JSON has it: what is known of it, without what it was asked in. */
export function inputJson({ kind, known }: PolicyInput): Json {
  return { [kind]: inOrder(kind, Object.fromEntries(Object.entries(known).filter(([, value]) => isSaid(value)))) };
}

/** Members in buildx's order, all the way down. */
export function inOrder(name: string, value: unknown): unknown {
  if (value instanceof NestedInput) return inputJson(value.input);
  if (Array.isArray(value)) return value.map((each) => inOrder(name === "materials" ? "" : "item", each));
  if (typeof value !== "object" || value === null) return value;
  const order = MEMBERS[name]?.split(" ") ?? [];
  const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = SORTED.has(name) ? entries.toSorted(([a], [b]) => (a < b ? -1 : 1)) : entries.toSorted(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(sorted.map(([key, each]) => [key, inOrder(key, each)]));
}
