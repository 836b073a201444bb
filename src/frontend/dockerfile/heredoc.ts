import { processWords, ShellWordError, type WordRules } from "./shell-lex.ts";

/** A here-document of RUN, COPY or ADD. */
export interface Heredoc {
  readonly name: string;
  readonly fileDescriptor: number;
  /** False when part of the delimiter is quoted: variables in the content stay as they are. */
  readonly expand: boolean;
  /** True for `<<-`: leading tabs do not count. */
  readonly chomp: boolean;
  /** The lines as they stand, with their ends; empty until the body is read. */
  readonly content: string;
}

/** Delimiters are read with `\` whatever the `# escape=` directive says. */
const DELIMITER_RULES: WordRules = { escape: "\\", skipUnsetEnv: true };
const LINE_RULES: WordRules = { ...DELIMITER_RULES, rawQuotes: true, rawEscapes: true };
const REDIRECTION = /^([0-9]*)<<(-?)([^<]*)$/;
const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/** The heredoc that a word such as `3<<-'EOF'` announces; undefined for any other word. Throws ShellWordError on an open quote. */
export function parseHeredoc(word: string): Heredoc | undefined {
  const [, descriptor = "", dash = "", rest = ""] = REDIRECTION.exec(word) ?? [];
  const delimiter = rest.replace(/^[\t\n\f\r ]+/, "");
  if (delimiter === "") return undefined;
  const [name, ...more] = processWords(delimiter, NO_VARIABLES, DELIMITER_RULES);
  if (name === undefined || more.length > 0) return undefined;
  const [rawName = ""] = processWords(delimiter, NO_VARIABLES, { ...DELIMITER_RULES, rawQuotes: true });
  const expand = countQuotes(name) === countQuotes(rawName);
  return { name, fileDescriptor: Number(descriptor), expand, chomp: dash === "-", content: "" };
}

/** As `parseHeredoc`; a word with an open quote is none. */
export function heredocOf(word: string): Heredoc | undefined {
  try {
    return parseHeredoc(word);
  } catch (error) {
    if (error instanceof ShellWordError) return undefined;
    throw error;
  }
}

/** The heredocs that a logical line announces, in order. A line that cannot be split into words announces none. */
export function heredocsOf(line: string): readonly Heredoc[] {
  return wordsOf(line).flatMap((word) => parseHeredoc(word) ?? []);
}

/** The content without the tabs that begin its lines. */
export function chompHeredoc(content: string): string {
  return content.replace(/(^|\n)\t+/g, "$1");
}

function wordsOf(line: string): readonly string[] {
  try {
    return processWords(line, NO_VARIABLES, LINE_RULES);
  } catch (error) {
    if (error instanceof ShellWordError) return [];
    throw error;
  }
}

function countQuotes(text: string): number {
  return text.replace(/[^'"]/g, "").length;
}
