/** A member of a JSON document that two documents do not have alike. */
export interface MemberDifference {
  /** `history[2].created`; empty where all members are alike, and only written in another way. */
  readonly path: string;
  /** As JSON; undefined where there is none. */
  readonly first: string | undefined;
  readonly second: string | undefined;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The members, as deep as they go, in the order of the first document. Throws SyntaxError for bytes that are no JSON. */
export function memberDifferences(first: Uint8Array, second: Uint8Array): readonly MemberDifference[] {
  if (Buffer.compare(first, second) === 0) return [];
  const found = [...differences(parse(first), parse(second), "")];
  return found.length > 0 ? found : [{ path: "", first: undefined, second: undefined }];
}

function parse(bytes: Uint8Array): Json {
  // Whatever JSON.parse gives is of this type.
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Json;
}

function* differences(a: Json | undefined, b: Json | undefined, path: string): Generator<MemberDifference> {
  if (isParent(a) && isParent(b) && Array.isArray(a) === Array.isArray(b)) {
    const [ours, theirs] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
      yield* differences(ours.get(key), theirs.get(key), Array.isArray(a) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`);
    }
    return;
  }
  const [first, second] = [a, b].map((value) => (value === undefined ? undefined : JSON.stringify(value)));
  if (first !== second) yield { path, first, second };
}

function isParent(value: Json | undefined): value is readonly Json[] | { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null;
}
