import { OpenObject } from "./open-object.ts";
import { fromJson, RegoObject, type Value } from "./rego/value.ts";

/** Bytes, and what is said to be their signature. */
export interface SignedBytes {
  readonly text: string;
  readonly signed: Uint8Array;
}

/** One source as a policy sees it. */
export interface PolicyInput {
  readonly kind: "image" | "http" | "git" | "local";
  readonly known: Readonly<Record<string, unknown>>;
  /** Members that are looked up only if they are asked for. */
  readonly open: readonly string[];
  /** What functions need of a member to verify it. Rules do not see it. */
  readonly signed: ReadonlyMap<"commit" | "tag", SignedBytes>;
}

/** An input within another: a material of the image that the other is. */
export class NestedInput {
  readonly input: PolicyInput;

  constructor(input: PolicyInput) {
    this.input = input;
  }
}

/** `input`, with the source under its kind. `path` is where it stands in the outermost. */
export function inputObject({ input, depth }: { readonly input: PolicyInput; readonly depth: number }, environment: Readonly<Record<string, unknown>>, path: string): RegoObject {
  const { kind, known, open } = input;
  const name = `${path}${kind}`;
  const members = Object.entries(known).filter(([, value]) => isSaid(value)).map(([member, value]) => [member, valueOf(value, { environment, path: `${name}.${member}`, depth })] as const);
  return RegoObject.of([["env", fromJson({ ...environment, depth })], [kind, new OpenObject(name, members, open)]]);
}

interface Place {
  readonly environment: Readonly<Record<string, unknown>>;
  readonly path: string;
  readonly depth: number;
}

function valueOf(value: unknown, place: Place): Value {
  if (value instanceof NestedInput) return inputObject({ input: value.input, depth: place.depth + 1 }, place.environment, `${place.path}.`);
  if (Array.isArray(value)) return value.map((each: unknown, i) => valueOf(each, { ...place, path: `${place.path}[${i}]` }));
  if (typeof value !== "object" || value === null) return fromJson(value);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return RegoObject.of(members.map(([name, each]) => [name, valueOf(each, { ...place, path: `${place.path}.${name}` })] as const));
}

/** As in Go's JSON with `omitempty`: what is empty is not there. */
export function isSaid(value: unknown): boolean {
  if (value === undefined || value === "" || value === false) return false;
  return Array.isArray(value) ? value.length > 0 : typeof value !== "object" || value === null || Object.keys(value).length > 0;
}
