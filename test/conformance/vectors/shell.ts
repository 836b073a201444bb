import assert from "node:assert/strict";
import { parseShellPattern, reverseShellPattern, ShellPatternError } from "../../../src/frontend/dockerfile/shell-pattern.ts";
import { processWord, ShellWordError, type EnvLookup, type WordRules } from "../../../src/frontend/dockerfile/shell-lex.ts";
import type { RowChecks } from "./row-check.ts";

interface OracleCase {
  readonly input: string;
  readonly lex: string;
  readonly error?: string;
  readonly result?: string;
  readonly words?: readonly string[] | null;
  readonly matched?: readonly string[];
  readonly unmatched?: readonly string[];
}

interface Oracle {
  readonly env: readonly string[];
  readonly lexers: ReadonlyArray<WordRules & { readonly name: string }>;
  readonly cases: readonly OracleCase[];
}

interface EnvVarRow {
  readonly input: string;
  readonly expected: string;
}

interface WordsRow {
  readonly input: string;
  readonly env: readonly string[];
  readonly expected: readonly string[];
}

interface MatchRow {
  readonly input: string;
  readonly envs: Readonly<Record<string, string>>;
  readonly expected: string;
  readonly expectedErr: boolean;
  readonly matches?: object;
  readonly unmatched?: object;
}

const PLAIN: WordRules = { escape: "\\" };
const TABLES = "tbl_bk_frontend_dockerfile_shell.json#";

/** Words with variables in them, expanded and split. */
export const SHELL_CHECKS: RowChecks = {
  "shell_oracle.json#cases": (row: OracleCase, { env, lexers }: Oracle) => {
    const seen = { matched: row.matched ?? [], unmatched: row.unmatched ?? [] };
    const wanted = row.error === undefined ? { result: row.result, ...seen } : { error: row.error, ...seen };
    const { words, ...got } = outcome(row.input, environment(env), lexers.find(({ name }) => name === row.lex) ?? PLAIN);
    assert.deepEqual(got, wanted);
    // Words were recorded for some of the lexers only.
    if (row.words !== undefined && row.error === undefined) assert.deepEqual(words, row.words ?? []);
  },
  // The rows that hold on Windows only are left out by the list of skips.
  "shell_envVarTest.json#cases": ({ input, expected }: EnvVarRow, { env }: Oracle) => {
    const got = outcome(input, environment(env), PLAIN);
    assert.equal(got.error === undefined ? got.result : "error", expected);
  },
  "shell_wordsTest.json#cases": ({ input, env, expected }: WordsRow) => {
    const got = outcome(input, environment(env), PLAIN);
    assert.deepEqual(got.error === undefined ? got.words : ["error"], expected);
  },
  [`${TABLES}TestConvertShellPatternToRegex:20`]: ([pattern, expected]: readonly [string, string]) => assert.equal(asRegex(pattern), expected),
  [`${TABLES}TestConvertShellPatternToRegex:28`]: (pattern: string) => assert.throws(() => parseShellPattern(pattern), ShellPatternError),
  [`${TABLES}TestReversePattern`]: ([pattern, expected]: readonly [string, string]) => assert.equal(reverseShellPattern(pattern), expected),
  [`${TABLES}TestProcessWithMatches`]: (row: MatchRow) => {
    const got = outcome(row.input, new Map(Object.entries(row.envs)), PLAIN);
    assert.equal(got.error !== undefined, row.expectedErr);
    // The table says nothing of names where it wants an error.
    if (got.error !== undefined) return;
    assert.equal(got.result, row.expected);
    assert.deepEqual(got.matched, Object.keys(row.matches ?? {}).toSorted());
    assert.deepEqual(got.unmatched, Object.keys(row.unmatched ?? {}).toSorted());
  },
};

function environment(entries: readonly string[]): EnvLookup {
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
}

interface Seen {
  readonly matched: readonly string[];
  readonly unmatched: readonly string[];
}

type Outcome = Seen & ({ readonly result: string; readonly words: readonly string[]; readonly error?: undefined } | { readonly error: string; readonly words?: undefined });

function outcome(input: string, env: EnvLookup, rules: WordRules): Outcome {
  try {
    const { result, words, ...names } = processWord(input, env, rules);
    return { result, words, ...namesOf(names) };
  } catch (error) {
    if (!(error instanceof ShellWordError)) throw error;
    return { error: error.message, ...namesOf(error) };
  }
}

function namesOf(seen: { readonly matched: ReadonlySet<string>; readonly unmatched: ReadonlySet<string> }): Seen {
  return { matched: [...seen.matched].toSorted(), unmatched: [...seen.unmatched].toSorted() };
}

/** The tokens written as the regular expression that BuildKit makes of the pattern. */
function asRegex(pattern: string): string {
  const parts = parseShellPattern(pattern).map((token) => {
    if (token.kind !== "char") return token.kind === "star" ? ".*" : ".";
    return token.char.replace(/[\\[\]{}.+()|^$*?]/, "\\$&");
  });
  return `^${parts.join("")}`;
}
