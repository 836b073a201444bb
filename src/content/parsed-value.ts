/** Looks into what a parser made of a file that anybody may have written: nothing about its shape is known. */

/** The value of a member, where there is one. */
export function member(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  // An own key, as was just asked.
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** The members of an object; none of anything else. */
export function members(value: unknown): Array<[key: string, value: unknown]> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/** The items of an array; none of anything else. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text that says something. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

export function memberText(value: unknown, key: string): string | undefined {
  return text(member(value, key));
}

/** The texts of an array. */
export function texts(value: unknown): string[] {
  return items(value).flatMap((item) => text(item) ?? []);
}
