import { BuiltinError } from "./rego-error.ts";

/** A glob of OPA's: `*` stops at a delimiter, `**` does not, `{a,b}` is either. */
export function globExpression(pattern: string, delimiters: readonly string[]): RegExp {
  const stop = delimiters.map(quote).join("|");
  const any = stop === "" ? "[^]" : `(?:(?!${stop})[^])`;
  let source = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "\\") source += quote(pattern.charAt(++at));
    else if (char === "*" && pattern.charAt(at + 1) === "*") {
      source += "[^]*";
      at++;
    } else if (char === "*") source += `${any}*`;
    else if (char === "?") source += any;
    else if (char === "{") {
      source += "(?:";
      depth++;
    } else if (char === "}" && depth > 0) {
      source += ")";
      depth--;
    } else if (char === "," && depth > 0) source += "|";
    else if (char === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end === -1) throw new BuiltinError(`glob ${pattern}: [ is not closed`);
      source += classOf(pattern.slice(at + 1, end));
      at = end;
    } else source += quote(char);
  }
  if (depth > 0) throw new BuiltinError(`glob ${pattern}: { is not closed`);
  return new RegExp(`^(?:${source})$`, "u");
}

function classOf(members: string): string {
  const isNegative = /^[!^]/.test(members);
  return `[${isNegative ? "^" : ""}${members.slice(isNegative ? 1 : 0).replace(/[\\\]^[]/g, "\\$&")}]`;
}

function quote(text: string): string {
  return text.replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&");
}
