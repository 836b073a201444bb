/** Characters that Go's encoding/json escapes and JSON.stringify does not. */
const GO_ESCAPED = /[<>&\u2028\u2029]/g;

/** JSON with the bytes that Go's encoding/json gives: digests of records that we share with BuildKit depend on it. */
export function goJson(value: unknown, indent?: string): string {
  return JSON.stringify(value, undefined, indent).replace(GO_ESCAPED, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A list as Go writes it that was only ever appended to: nothing is null. */
export function goList<T>(items: readonly T[]): readonly T[] | null {
  return items.length === 0 ? null : items;
}
