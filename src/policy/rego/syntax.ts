import type { Place } from "./rego-error.ts";
import type { Value } from "./value.ts";

/** What can stand where a value is wanted. */
export type Term =
  | { readonly kind: "value"; readonly value: Value; readonly place: Place }
  /** `_` gets a name of its own each time. */
  | { readonly kind: "var"; readonly name: string; readonly place: Place }
  | { readonly kind: "ref"; readonly head: Term; readonly path: readonly Term[]; readonly place: Place }
  | { readonly kind: "array" | "set"; readonly items: readonly Term[]; readonly place: Place }
  | { readonly kind: "object"; readonly entries: ReadonlyArray<readonly [Term, Term]>; readonly place: Place }
  /** Of operators too, by the names that OPA gives them. */
  | { readonly kind: "call"; readonly name: readonly string[]; readonly args: readonly Term[]; readonly place: Place }
  | { readonly kind: "comprehension"; readonly makes: "array" | "set" | "object"; readonly key: Term | undefined; readonly value: Term; readonly body: Body; readonly place: Place }
  | { readonly kind: "template"; readonly parts: ReadonlyArray<string | Term>; readonly place: Place };

export type Ref = Extract<Term, { readonly kind: "ref" }>;
export type Comprehension = Extract<Term, { readonly kind: "comprehension" }>;

export type Literal = LiteralKind & { readonly withs: readonly WithModifier[]; readonly place: Place };

export type LiteralKind =
  | { readonly kind: "expression"; readonly term: Term }
  | { readonly kind: "not"; readonly literal: Literal }
  | { readonly kind: "assign" | "unify"; readonly left: Term; readonly right: Term }
  | { readonly kind: "some"; readonly names: readonly string[] }
  | { readonly kind: "some-in"; readonly key: Term | undefined; readonly value: Term; readonly domain: Term }
  | { readonly kind: "every"; readonly key: string | undefined; readonly value: string; readonly domain: Term; readonly body: Body };

export interface WithModifier {
  /** `input.a`, `data.p.q`, or the name of a function. */
  readonly target: readonly string[];
  readonly value: Term;
  readonly place: Place;
}

export type Body = readonly Literal[];

export interface Rule {
  /** Names after the package's, up to the first that is no constant. */
  readonly path: readonly string[];
  /** The rest of the head's reference. */
  readonly keys: readonly Term[];
  readonly makes: "value" | "set" | "function";
  readonly isDefault: boolean;
  readonly args: readonly Term[];
  /** Of a set, its member. */
  readonly value: Term;
  readonly body: Body;
  readonly otherwise: Rule | undefined;
  readonly place: Place;
}

export interface Import {
  readonly path: readonly string[];
  readonly alias: string;
  readonly place: Place;
}

export interface Module {
  readonly file: string;
  readonly package: readonly string[];
  readonly imports: readonly Import[];
  readonly rules: readonly Rule[];
}
