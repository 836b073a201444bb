import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { readIgnoreFile } from "./ignore-file.ts";
import { matchPath } from "./path-match.ts";
import { matchesOrParentMatches, PatternMatcher } from "./pattern-matcher.ts";

const vectors = join(resolve(process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"), "vectors");
const skip = existsSync(vectors) ? false : `no conformance data in ${vectors}`;

interface MatchCase {
  readonly pattern?: string;
  readonly patterns?: readonly string[];
  readonly exclusions?: boolean;
  readonly error?: string | null;
  readonly matchError?: string | null;
  readonly matches?: readonly string[] | null;
  readonly matchesOrParent?: readonly string[] | null;
}

interface Oracle {
  readonly files: readonly string[];
  readonly cases: readonly MatchCase[];
  readonly combos: readonly MatchCase[];
  readonly filepathMatch: readonly MatchCase[];
  readonly ignorefile: ReadonlyArray<{ readonly input: string; readonly error: string | null; readonly patterns: readonly string[] | null }>;
}

interface Table {
  readonly func: string;
  readonly line: number;
  readonly table: readonly unknown[];
}

function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(vectors, name), "utf8")) as T;
}

test("single patterns and their combinations match the files that moby's matcher says", { skip }, () => {
  const { files, cases, combos } = readVectors<Oracle>("patternmatcher_oracle.json");
  for (const oracle of [...cases, ...combos]) {
    const patterns = oracle.patterns ?? [oracle.pattern ?? ""];
    if (typeof oracle.error === "string") {
      assert.throws(() => new PatternMatcher(patterns), { message: oracle.error }, patterns.join(" "));
      continue;
    }
    const matcher = new PatternMatcher(patterns);
    assert.equal(matcher.hasExclusions, oracle.exclusions, patterns.join(" "));
    if (typeof oracle.matchError === "string") {
      assert.throws(() => matcher.matchesOrParentMatches("a"), { message: oracle.matchError }, patterns.join(" "));
      continue;
    }
    assert.deepEqual(files.filter((file) => matcher.matchesOrParentMatches(file)), oracle.matchesOrParent ?? [], patterns.join(" "));
    assert.deepEqual(files.filter((file) => matchesOnTheWay(matcher, file)), oracle.matchesOrParent ?? [], patterns.join(" "));
    if (oracle.matches === undefined) continue;
    assert.deepEqual(files.filter((file) => matcher.matches(file)), oracle.matches ?? [], patterns.join(" "));
  }
});

test("Go's path matching is matched, malformed patterns included", { skip }, () => {
  const { files, filepathMatch } = readVectors<Oracle>("patternmatcher_oracle.json");
  for (const { pattern = "", error, matches } of filepathMatch) {
    if (typeof error === "string") assert.throws(() => files.map((file) => matchPath(pattern, file)), { message: error }, pattern);
    else assert.deepEqual(files.filter((file) => matchPath(pattern, file)), matches ?? [], pattern);
  }
});

test("ignore files are read as moby reads them", { skip }, () => {
  for (const { input, error, patterns } of readVectors<Oracle>("patternmatcher_oracle.json").ignorefile) {
    assert.equal(error, null);
    assert.deepEqual(readIgnoreFile(input), patterns ?? [], JSON.stringify(input));
  }
});

test("the tables of moby's own tests hold", { skip }, () => {
  let rows = 0;
  for (const { func, line, table } of readVectors<{ readonly tables: readonly Table[] }>("tbl_patternmatcher.json").tables) {
    for (const row of table) {
      rows += checkRow(func, row as Readonly<Record<string, unknown>>, `${func}:${line}`);
    }
  }
  assert.ok(rows > 300, `${rows} rows`);
});

/** 1 if the row speaks of something that exists here. `testCompile` rows are about Go's expressions: the match kind is not ours. */
function checkRow(func: string, row: Readonly<Record<string, unknown>>, where: string): number {
  const told = `${where} ${JSON.stringify(row)}`;
  if (func === "TestMatches" && typeof row["text"] === "string") {
    const patterns = (row["patterns"] as string[] | undefined) ?? [String(row["pattern"])];
    const text = row["text"];
    const matcher = new PatternMatcher(patterns);
    // The table of several patterns is true of both ways of matching, and so is the other.
    assert.equal(matcher.matchesOrParentMatches(text), row["pass"], told);
    assert.equal(matcher.matchesUsingParent(text, undefined).matched, row["pass"], told);
    return 1;
  }
  if (func === "TestMatch") {
    const { pattern, s, match, err } = row as { readonly pattern: string; readonly s: string; readonly match: boolean; readonly err?: unknown };
    if (err === undefined || err === null) {
      assert.equal(new PatternMatcher([pattern]).matches(s), match, told);
      assert.equal(matchesOrParentMatches(s, [pattern]), match, told);
    } else assert.throws(() => matchesOrParentMatches(s, [pattern]), { message: "syntax error in pattern" }, told);
    return 1;
  }
  return 0;
}

/** Matches as a walk does: directory by directory, from the root. */
function matchesOnTheWay(matcher: PatternMatcher, file: string): boolean {
  const parts = file.split("/");
  let result = matcher.matchesUsingParent(parts[0] ?? "", undefined);
  for (let depth = 2; depth <= parts.length; depth += 1) {
    result = matcher.matchesUsingParent(parts.slice(0, depth).join("/"), result.match);
  }
  return result.matched;
}
