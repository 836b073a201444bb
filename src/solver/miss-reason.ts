import type { Digest } from "../content/digest.ts";
import type { KeyedInput } from "./cache-key.ts";

/** What the key of a vertex is made of: by these, not by the key, can be told what changed. */
export interface KeyParts {
  readonly operation: Digest;
  readonly inputs: readonly KeyedInput[];
}

/** The parts with which vertices ran last, also in earlier builds. Undefined where no run that came to its end is known. */
export interface KeyHistory<V> {
  last(vertex: V): KeyParts | undefined;
  save(vertex: V, parts: KeyParts): void;
}

/** Why no cache answered for a vertex. Inputs are named by their position. */
export type MissReason =
  /** Local files and names: their content is not known before they are looked at. */
  | { readonly kind: "always" }
  /** This vertex was not to be asked for. */
  | { readonly kind: "no-cache" }
  /** These inputs were made without asking the cache, so that their keys do not say what they hold. */
  | { readonly kind: "input-no-cache"; readonly inputs: readonly number[] }
  /** No run of it is known that came to its end. */
  | { readonly kind: "first" }
  /** Since its last run: the operation itself, what is used of some inputs, and inputs that are others. */
  | { readonly kind: "changed"; readonly operation: boolean; readonly contents: readonly number[]; readonly inputs: readonly number[] }
  /** It ran last with the very same parts, and what it made is not there any more. */
  | { readonly kind: "gone" }
  /** The two runs cannot be compared. */
  | { readonly kind: "unknown" };

/** How a cache came to answer: nothing before the vertex changed, or something did that it uses nothing of, or others had made it. */
export type HitReason = "unchanged" | "same-content" | "imported";

/** Compares a vertex that has no result with its last run. Pure, as the keys are. */
export function missReason(now: KeyParts, last: KeyParts | undefined): MissReason {
  if (last === undefined) return { kind: "first" };
  const operation = now.operation !== last.operation;
  if (now.inputs.length !== last.inputs.length) return operation ? { kind: "changed", operation, contents: [], inputs: [] } : { kind: "unknown" };
  const contents: number[] = [];
  const inputs: number[] = [];
  for (const [index, input] of now.inputs.entries()) {
    const before = last.inputs[index];
    // How an input counts follows from the operation.
    if (before?.kind !== input.kind) return operation ? { kind: "changed", operation, contents: [], inputs: [] } : { kind: "unknown" };
    if (!isEqual(input, before)) (input.kind === "content" ? contents : inputs).push(index);
  }
  return operation || contents.length + inputs.length > 0 ? { kind: "changed", operation, contents, inputs } : { kind: "gone" };
}

function isEqual(a: KeyedInput, b: KeyedInput): boolean {
  if (a.kind === "content") return b.kind === "content" && a.digest === b.digest;
  return b.kind === "made-by" && a.key === b.key && a.index === b.index;
}

/** Remembers for as long as it lives. */
export function memoryKeyHistory<V extends { readonly digest: Digest }>(): KeyHistory<V> {
  const known = new Map<Digest, KeyParts>();
  return { last: ({ digest }) => known.get(digest), save: ({ digest }, parts) => void known.set(digest, parts) };
}
