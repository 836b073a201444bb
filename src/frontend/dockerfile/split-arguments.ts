import { InstructionError } from "./dockerfile-error.ts";
import { cut, isSpace, quote, trimStart } from "./go-text.ts";
import { decodeSource, encodeSource } from "./source-text.ts";
import { BLANKS } from "./split-line.ts";

export interface SplitArguments {
  readonly args: readonly string[];
  readonly json: boolean;
}

const MAX_JSON_DEPTH = 10_000;
const NONE: SplitArguments = { args: [], json: false };

/** How the text behind the flags becomes arguments: `splitters[instruction in lower case]`. ONBUILD is not among them. */
export const SPLITTERS: Readonly<Record<string, (rest: string, escape: string) => SplitArguments>> = {
  add: jsonOrBlankSeparated,
  arg: (rest, escape) => ({ args: quotedWords(rest, escape), json: false }),
  cmd: jsonOrText,
  copy: jsonOrBlankSeparated,
  entrypoint: jsonOrText,
  env: (rest, escape) => keyValues(rest, "ENV", escape),
  expose: blankSeparated,
  from: blankSeparated,
  healthcheck: typeAndCommand,
  label: (rest, escape) => keyValues(rest, "LABEL", escape),
  maintainer: wholeText,
  run: jsonOrText,
  shell: jsonOrText,
  stopsignal: wholeText,
  user: wholeText,
  volume: jsonOrBlankSeparated,
  workdir: wholeText,
};

function wholeText(rest: string): SplitArguments {
  return rest === "" ? NONE : { args: [rest], json: false };
}

function blankSeparated(rest: string): SplitArguments {
  return rest === "" ? NONE : { args: rest.split(BLANKS), json: false };
}

function jsonOrText(rest: string): SplitArguments {
  return rest === "" ? NONE : (jsonArray(rest) ?? wholeText(rest));
}

function jsonOrBlankSeparated(rest: string): SplitArguments {
  return jsonArray(rest) ?? blankSeparated(rest);
}

/** The strings of a JSON array; undefined for what is no JSON array at all, which then is taken as text. */
export function jsonArray(text: string): SplitArguments | undefined {
  const trimmed = trimStart(text);
  if (!trimmed.startsWith("[")) return undefined;
  const items = parseJson(trimmed.toWellFormed());
  if (!Array.isArray(items) || !isDecodable(items)) return undefined;
  return { args: items.map(stringItem), json: true };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What Go's decoder refuses and JavaScript's does not: numbers beyond a float's range, and more than 10000 levels. */
function isDecodable(items: readonly unknown[]): boolean {
  let level: readonly object[] = [items];
  for (let depth = 1; level.length > 0; depth++) {
    const values = level.flatMap((container): unknown[] => Object.values(container));
    if (depth > MAX_JSON_DEPTH || values.includes(Infinity) || values.includes(-Infinity)) return false;
    level = values.filter((value) => typeof value === "object" && value !== null);
  }
  return true;
}

function stringItem(item: unknown): string {
  if (typeof item !== "string") {
    throw new InstructionError("when using JSON array syntax, arrays must be comprised of strings only", "source");
  }
  return item.toWellFormed();
}

/** HEALTHCHECK: a type, then a command. White space between them is told byte by byte. */
function typeAndCommand(rest: string): SplitArguments {
  const bytes = encodeSource(rest).toString("latin1");
  let end = 0;
  while (end < bytes.length && !isSpace(bytes.charAt(end))) end++;
  if (end === 0) return NONE;
  const command = jsonOrText(decodeSource(Buffer.from(trimStart(bytes.slice(end)), "latin1")));
  return { args: [decodeSource(Buffer.from(bytes.slice(0, end), "latin1")), ...command.args], json: command.json };
}

/** ENV and LABEL: `key=value …`, or the old form `key value`. Gives key, value and `=` (or nothing) in turns. */
function keyValues(rest: string, instruction: string, escape: string): SplitArguments {
  const words = quotedWords(rest, escape);
  const [first] = words;
  if (first === undefined) return NONE;
  if (!first.includes("=")) {
    const gap = BLANKS.exec(rest);
    if (gap === null) throw new InstructionError(`${instruction} must have two arguments`, "source");
    return { args: [rest.slice(0, gap.index), rest.slice(gap.index + gap[0].length), ""], json: false };
  }
  return { args: words.flatMap(keyAndValue), json: false };
}

function keyAndValue(word: string): readonly string[] {
  const { before, after, found } = cut(word, "=");
  if (!found) throw new InstructionError(`Syntax error - can't find = in ${quote(word)}. Must be of the form: name=value`, "source");
  return [before, after, "="];
}

/** Words separated by white space outside quotes; quotes and escapes are kept for the expansion. */
function quotedWords(rest: string, escape: string): readonly string[] {
  const words: string[] = [];
  const chars = Array.from(rest.toWellFormed());
  let word = "";
  let isWord = false;
  let open = "";
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? "";
    if (open === "" && isSpace(char)) {
      if (isWord) words.push(word);
      [word, isWord] = ["", false];
      continue;
    }
    if (char === escape && open !== "'") {
      if (at + 1 === chars.length) break;
      word += char + (chars[++at] ?? "");
    } else {
      if (char === open) open = "";
      else if (open === "" && (char === "'" || char === '"')) open = char;
      word += char;
    }
    isWord = true;
  }
  if (isWord) words.push(word);
  return words;
}
