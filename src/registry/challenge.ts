/** How a registry wants to be asked: RFC 9110, WWW-Authenticate. */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[^\s,="]+/y;
const PARAMETER = /([^\s,="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;
const SEPARATOR = /[\s,]+/y;

/** Reads as much as is well formed; what is not ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(header) ?? undefined;
    at += match?.[0].length ?? 0;
    return match;
  };
  for (;;) {
    take(SEPARATOR);
    const parameter = take(PARAMETER);
    if (parameter !== undefined) {
      const [, name = "", quoted, plain = ""] = parameter;
      challenges.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? plain);
      continue;
    }
    const scheme = take(TOKEN);
    if (scheme === undefined) return challenges;
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() });
  }
}
