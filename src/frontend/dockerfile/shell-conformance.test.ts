import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { parseShellPattern, reverseShellPattern, ShellPatternError } from "./shell-pattern.ts";
import { processWord, ShellWordError, type EnvLookup, type WordRules } from "./shell-lex.ts";

interface OracleCase {
  readonly input: string;
  readonly lex: string;
  readonly error?: string;
  readonly result?: string;
  readonly words?: readonly string[];
  readonly matched?: readonly string[];
  readonly unmatched?: readonly string[];
}

interface Oracle {
  readonly env: readonly string[];
  readonly lexers: ReadonlyArray<WordRules & { readonly name: string }>;
  readonly cases: readonly OracleCase[];
}

const PLAIN: WordRules = { escape: "\\" };
const oracle = conformance<Oracle>("vectors/shell_oracle.json.gz");

test("every word of the oracle expands, splits or fails as BuildKit says, in six ways to read it", { skip: oracle.skip }, () => {
  const { env, lexers, cases } = oracle.read();
  const lookup = environment(env);
  const rules = new Map(lexers.map((lexer) => [lexer.name, lexer]));
  // Words were recorded for some of the lexers only.
  const splitting = new Set(cases.flatMap((row) => (row.words === undefined ? [] : [row.lex])));
  for (const row of cases) {
    const seen = { matched: row.matched ?? [], unmatched: row.unmatched ?? [] };
    const expected = row.error === undefined ? { result: row.result, words: row.words ?? [], ...seen } : { error: row.error, ...seen };
    assert.deepEqual(outcome(row.input, lookup, rules.get(row.lex) ?? PLAIN, splitting.has(row.lex)), expected, `${row.lex}: ${row.input}`);
  }
  assert.ok(cases.length > 10_000);
});

const envVars = conformance<{
  readonly env: readonly string[];
  readonly cases: ReadonlyArray<{ readonly input: string; readonly expected: string; readonly platform: string; readonly line: number }>;
}>("vectors/shell_envVarTest.json");

test("the rows of envVarTest that hold on Linux expand as written there", { skip: envVars.skip }, () => {
  const { env, cases } = envVars.read();
  for (const { input, expected, platform, line } of cases.filter((row) => row.platform !== "W")) {
    const got = outcome(input, environment(env), PLAIN, false);
    assert.equal("error" in got ? "error" : got.result, expected, `line ${line}, ${platform}: ${input}`);
  }
});

const words = conformance<{
  readonly cases: ReadonlyArray<{ readonly input: string; readonly env: readonly string[]; readonly expected: readonly string[]; readonly line: number }>;
}>("vectors/shell_wordsTest.json");

test("the rows of wordsTest split as written there", { skip: words.skip }, () => {
  for (const { input, env, expected, line } of words.read().cases) {
    const got = outcome(input, environment(env), PLAIN, true);
    assert.deepEqual("error" in got ? ["error"] : got.words, expected, `line ${line}: ${input}`);
  }
});

interface MatchRow {
  readonly input: string;
  readonly envs: Readonly<Record<string, string>>;
  readonly expected: string;
  readonly expectedErr: boolean;
  readonly matches?: object;
  readonly unmatched?: object;
}

const tables = conformance<{ readonly tables: ReadonlyArray<{ readonly func: string; readonly line: number; readonly table: unknown }> }>(
  "vectors/tbl_bk_frontend_dockerfile_shell.json",
);

/** The shape of each table is known from its name; a wrong one fails the assertions. */
const TABLE_CHECKS: Readonly<Record<string, (table: never) => void>> = {
  "TestConvertShellPatternToRegex:20": (table: Readonly<Record<string, string>>) => {
    for (const [pattern, expected] of Object.entries(table)) assert.equal(asRegex(pattern), expected);
  },
  "TestConvertShellPatternToRegex:28": (table: readonly string[]) => {
    for (const pattern of table) assert.throws(() => parseShellPattern(pattern), ShellPatternError, pattern);
  },
  "TestReversePattern:47": (table: Readonly<Record<string, string>>) => {
    for (const [pattern, expected] of Object.entries(table)) assert.equal(reverseShellPattern(pattern), expected);
  },
  // The numbers of two runs over wordsTest, which has its own vectors above.
  "TestShellParser4Words:149": (table: readonly number[]) => assert.deepEqual(table, [0, 1]),
  "TestProcessWithMatches:587": (table: readonly MatchRow[]) => {
    for (const row of table) {
      const got = outcome(row.input, new Map(Object.entries(row.envs)), PLAIN, false);
      assert.equal("error" in got, row.expectedErr, row.input);
      // The table says nothing of names where it wants an error.
      if ("error" in got) continue;
      assert.equal(got.result, row.expected, row.input);
      assert.deepEqual(got.matched, Object.keys(row.matches ?? {}).toSorted(), row.input);
      assert.deepEqual(got.unmatched, Object.keys(row.unmatched ?? {}).toSorted(), row.input);
    }
  },
};

test("the tables of the lexer's unit tests hold", { skip: tables.skip }, () => {
  for (const { func, line, table } of tables.read().tables) {
    const check = TABLE_CHECKS[`${func}:${line}`];
    assert.ok(check, `a table that nobody reads: ${func}:${line}`);
    // The key of TABLE_CHECKS says what the table holds.
    check(table as never);
  }
});

function environment(entries: readonly string[]): EnvLookup {
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
}

interface Seen {
  readonly matched: readonly string[];
  readonly unmatched: readonly string[];
}

type Outcome = Seen & ({ readonly result: string; readonly words: readonly string[] } | { readonly error: string });

function outcome(input: string, env: EnvLookup, rules: WordRules, splits: boolean): Outcome {
  try {
    const got = processWord(input, env, rules);
    return { result: got.result, words: splits ? got.words : [], ...namesOf(got) };
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
