/** Answers for one cleaned path. */
export type CompiledPattern = (path: string) => boolean;

/** Escapes of RE2 that mean a class, a control character or a position; a letter that is in no list is an error there. */
const LETTER_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["a", "\\x07"], ["f", "\\f"], ["n", "\\n"], ["r", "\\r"], ["t", "\\t"], ["v", "\\v"],
  ["d", "[0-9]"], ["D", "[^0-9]"], ["s", "[\\t\\n\\f\\r ]"], ["S", "[^\\t\\n\\f\\r ]"],
  ["w", "[0-9A-Za-z_]"], ["W", "[^0-9A-Za-z_]"], ["A", "^"], ["z", "$"], ["b", "\\b"], ["B", "\\B"],
]);

interface Parts {
  /** A regular expression for the whole, in case the text cannot be compared as it is. */
  readonly source: string;
  readonly kind: "exact" | "prefix" | "suffix" | "expression";
}

/**
 * One pattern as a predicate. Undefined when it is a valid shell pattern but no valid regular
 * expression, which upstream finds out only when the pattern is first used.
 *
 * `**` is any number of directories, none included; a plain text, or one with `**` at one end
 * only, is compared without a regular expression, and that comparison is a little more generous:
 * `**` + `x` is every path that ends in `x`.
 */
export function compilePattern(text: string): CompiledPattern | undefined {
  const { source, kind } = translate(Array.from(text));
  switch (kind) {
    case "exact":
      return (path) => path === text;
    case "prefix": {
      const prefix = text.slice(0, -"**".length);
      return (path) => path.startsWith(prefix);
    }
    case "suffix": {
      const suffix = text.slice("**".length);
      return (path) => path.endsWith(suffix) || (suffix.startsWith("/") && path === suffix.slice(1));
    }
    case "expression": {
      const expression = parseExpression(`^${source}$`);
      return expression === undefined ? undefined : (path) => expression.test(path);
    }
  }
}

function parseExpression(source: string): RegExp | undefined {
  try {
    return new RegExp(source, "u");
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function translate(characters: readonly string[]): Parts {
  let source = "";
  let kind: Parts["kind"] = "exact";
  let inClass = false;
  for (let i = 0; i < characters.length; i += 1) {
    const character = characters[i] ?? "";
    const next = characters[i + 1];
    if (character === "*" && next === "*") {
      const isFirst = i === 0;
      i += characters[i + 2] === "/" ? 2 : 1;
      const isLast = i + 1 >= characters.length;
      source += isLast ? "[^\\n]*" : "(?:[^\\n]*/)?";
      kind = isFirst ? "suffix" : isLast && kind === "exact" ? "prefix" : "expression";
    } else if (character === "*" || character === "?") {
      source += character === "*" ? "[^/]*" : "[^/]";
      kind = "expression";
    } else if (character === "\\") {
      i += 1;
      source += next === undefined ? "\\\\" : escapeSource(next, inClass);
      kind = next === undefined ? kind : "expression";
    } else if (character === "[" || character === "]") {
      source += character === "]" && !inClass ? "\\]" : character;
      inClass = character === "[" || (inClass && character !== "]");
      kind = "expression";
    } else {
      source += /[.+()|{}$/]/.test(character) ? `\\${character}` : character;
    }
  }
  return { source, kind };
}

/** A backslash goes into the expression as it stands, so `\d` is a digit; all but letters and digits stand for themselves. */
function escapeSource(character: string, inClass: boolean): string {
  const meaning = LETTER_ESCAPES.get(character);
  if (meaning !== undefined) return inClass ? meaning.replace(/^\[(?!\^)(.*)\]$/, "$1") : meaning;
  // An escape that no expression knows makes the whole invalid, here as there.
  if (/[0-9A-Za-z]/.test(character)) return "\\_";
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character === "-" ? "\\x2d" : character;
}
