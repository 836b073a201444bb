const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** The words that Go's strconv.ParseBool takes; undefined for all others, and for nothing. */
export function goBoolean(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  return TRUE.has(text) ? true : FALSE.has(text) ? false : undefined;
}
