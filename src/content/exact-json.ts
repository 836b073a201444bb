import { goJson } from "./go-json.ts";

/** TypeScript's library does not know JSON.rawJSON, nor what a reviver is told besides (ECMAScript 2027, in Node since 22). */
const { rawJSON } = JSON as typeof JSON & { readonly rawJSON: (text: string) => object };
type ExactReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const keepNumbers: ExactReviver = (_key, value, { source }) =>
  typeof value === "number" && source !== undefined && String(value) !== source ? rawJSON(source) : value;

/** Parses JSON that is to be written again with every number as it stood. Throws SyntaxError. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown);
}

/** Writes it again, in Go's bytes: on one line, or indented for people. */
export function exactJson(value: unknown, form: "compact" | "indented"): string {
  return goJson(value, form === "indented" ? "  " : undefined);
}
