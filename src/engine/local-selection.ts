import type { LocalSelection } from "../session/session.ts";

/** What of a directory a local source asks for, out of its LLB attributes: JSON lists of strings. */
export function parseLocalSelection(attrs: Readonly<Record<string, string>>): LocalSelection {
  const list = (name: string): string[] | undefined => {
    const text = attrs[name];
    return text === undefined ? undefined : parseList(name, text);
  };
  return {
    followPaths: list("local.followpaths"),
    includePatterns: list("local.includepattern") ?? [],
    excludePatterns: list("local.excludepatterns") ?? [],
  };
}

function parseList(name: string, text: string): string[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list) || !list.every((item) => typeof item === "string")) throw new RangeError(`${name}: not a list of strings: ${text}`);
  return list;
}
