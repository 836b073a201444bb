const SPACE = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const SPACE_AT_ENDS = new RegExp(`^${SPACE}|${SPACE}$`, "g");

/** Cuts Unicode's white space off both ends. Unlike `trim` it takes NEL for a space and a byte order mark for none. */
export function trimSpace(text: string): string {
  return text.replaceAll(SPACE_AT_ENDS, "");
}
