import type { SecretSpan } from "./secret-span.ts";
import { isBasic } from "./authorization.ts";
import { nameStrength } from "./secret-name.ts";
import { isPublicValue, looksChosen, looksRandom } from "./secret-value.ts";

const NAME_CHARACTERS_MAX = 64;
/** Of a longer value nobody can tell by its looks what it is. It bounds what is read again and again in a text without spaces. */
const LOOKED_AT_CHARACTERS_MAX = 512;

/** Any name with such letters is looked at more closely. */
const KEYWORD = /pass|pwd|pword|secret|token|key|auth|credential|jwt|cookie|session|signature|\bsig\b|\bsas\b|\bpat\b|_pat\b/gi;
const NAME_CHARACTER = /[\w.-]/;
/** What joins a name and its value: of shells, properties, YAML, JSON, code, XML, and options. */
const JOINT = /(?<close>\\?["'])?(?:(?<equals>[ \t]{1,3}(?::=|\+=|=>|={1,2})[ \t]{0,3}|:=|\+=|=>|={1,2})|(?<default>:?[-=+](?!\d*\}))|(?<colon>[ \t]{0,3}:(?![:=/])[ \t]{0,3})|(?<tag>>)|(?<option>(?:[ \t]|\\\r?\n){1,8}(?=[^-\s#\\])|["']\s{0,2},\s{0,2}(?=["'])))/y;
const QUOTED = /(?<quote>\\?["'])(?<inside>(?:(?!\k<quote>)(?:\\[\s\S]|[^\\\n])){0,512})/y;
const PLAIN = /(?:\$\([^)\n]*\)|\$\{[^}\n]*\}|[^\s"'`;|&<>(),\]}]){1,512}/y;
const IN_BRACES = /[^}\s"'`]{1,512}/y;

/**
 * Values behind the names of secrets, within any text: `export X_TOKEN=…`, `password: …`, `"apiKey": "…"`, `--password …`.
 * A name that only may be a secret's needs a value that looks like one, and so does a name in prose, which may be in quotation marks:
 * `cannot open '/run/secrets/token': Permission denied`.
 */
export function findAssignments(text: string): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  KEYWORD.lastIndex = 0;
  for (let keyword = KEYWORD.exec(text); keyword !== null; keyword = KEYWORD.exec(text)) {
    const found = nameAt(text, keyword.index);
    const value = valueBehind(text, found);
    // A long word with many such letters is looked at once.
    KEYWORD.lastIndex = Math.max(found.end, KEYWORD.lastIndex);
    if (value === undefined || !isSecret(found, value)) continue;
    const end = value.text.length < LOOKED_AT_CHARACTERS_MAX ? value.start + value.text.length : endOfLong(text, value);
    spans.push({ start: value.start, end, kind: "secret-variable", name: found.name });
    KEYWORD.lastIndex = end;
  }
  return spans;
}

interface FoundName {
  readonly name: string;
  readonly end: number;
  /** What stands before it, as far as it means something. */
  readonly before: string;
}

function nameAt(text: string, at: number): FoundName {
  let start = at;
  while (start > 0 && at - start < NAME_CHARACTERS_MAX && NAME_CHARACTER.test(text[start - 1] ?? "")) start--;
  let end = at;
  while (end < text.length && end - at < NAME_CHARACTERS_MAX && NAME_CHARACTER.test(text[end] ?? "")) end++;
  const name = text.slice(start, end).replace(/^[-.]+|[-.]+$/g, "");
  // What joins a reference and its default stands where a name could go on: `${TOKEN-x}`.
  return { name, end: end - (/[-.]+$/.exec(text.slice(start, end))?.[0].length ?? 0), before: text.slice(Math.max(0, start - 2), start) + (/^-+/.exec(text.slice(start, end))?.[0] ?? "") };
}

interface FoundValue {
  readonly text: string;
  readonly start: number;
  readonly joint: "equals" | "colon" | "tag" | "default" | "option";
  /** The name stands in quotation marks, as in JSON. */
  readonly isMember: boolean;
  readonly isQuoted: boolean;
}

function valueBehind(text: string, { name, end, before }: FoundName): FoundValue | undefined {
  JOINT.lastIndex = end;
  const joint = JOINT.exec(text);
  if (joint === null) return undefined;
  const { close, equals, colon, tag, default: other } = joint.groups ?? {};
  const kind = equals !== undefined ? "equals" : colon !== undefined ? "colon" : tag !== undefined ? "tag" : other !== undefined ? "default" : "option";
  const isReference = /\$\{?!?$|%$/.test(before);
  if (isReference ? !before.includes("{") || kind === "option" || kind === "tag" : kind === "default") return undefined;
  if (kind === "tag" && !before.endsWith("<")) return undefined;
  // `npm config set //host/:_authToken x` has no sign of an option.
  if (kind === "option" && !before.endsWith("-") && !(before.endsWith(":") && name.startsWith("_"))) return undefined;
  const start = JOINT.lastIndex;
  const valued = isReference ? at(IN_BRACES, text, start) : (at(QUOTED, text, start) ?? at(PLAIN, text, start));
  if (valued === null || valued === undefined) return undefined;
  const { inside, quote } = valued.groups ?? {};
  return { text: inside ?? valued[0], start: start + (quote?.length ?? 0), joint: kind, isMember: close !== undefined, isQuoted: quote !== undefined };
}

/** A secret is masked to its end, however long it is. */
function endOfLong(text: string, { start, isQuoted }: FoundValue): number {
  const pattern = isQuoted ? /["']|(?<!\\)\n/g : /[\s"'`;|&<>(),\]}]/g;
  pattern.lastIndex = start + LOOKED_AT_CHARACTERS_MAX;
  return pattern.exec(text)?.index ?? text.length;
}

function at(pattern: RegExp, text: string, start: number): RegExpExecArray | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text) ?? undefined;
}

function isSecret({ name, before }: FoundName, { text, joint, isMember, isQuoted }: FoundValue): boolean {
  // Headers of that name are authorization.ts's, parameters of a URL are url.ts's.
  if (/authorization$/i.test(name) || /[?&]$/.test(before)) return false;
  // The members of .npmrc and of Docker's configuration: user and password, in base64.
  if (/^_?auth$/i.test(name)) return joint !== "option" && !isPublicValue(name, text) && (isBasic(text) || looksRandom(text));
  // A connection string's.
  if (/^pwd$/i.test(name) && before.endsWith(";")) return !isPublicValue(name, text);
  switch (nameStrength(name)) {
    case "secret":
      return !isPublicValue(name, text) && (joint === "colon" && !isQuoted ? looksChosen(text) || (isMember && /\d/.test(text)) : true);
    case "likely":
    case "vague":
      return text.length < LOOKED_AT_CHARACTERS_MAX && looksRandom(text) && !isPublicValue(name, text);
    case "none":
      return false;
  }
}
