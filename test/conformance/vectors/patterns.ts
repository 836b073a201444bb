import assert from "node:assert/strict";
import { readIgnoreFile } from "../../../src/pattern/ignore-file.ts";
import { matchPath } from "../../../src/pattern/path-match.ts";
import { matchesOrParentMatches, PatternMatcher } from "../../../src/pattern/pattern-matcher.ts";
import type { RowChecks } from "./row-check.ts";

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
}

/** Patterns of ignore files and of Go's path matching. */
export const PATTERN_CHECKS: RowChecks = {
  "patternmatcher_oracle.json#cases": checkMatcher,
  "patternmatcher_oracle.json#combos": checkMatcher,
  "patternmatcher_oracle.json#filepathMatch": ({ pattern = "", error, matches }: MatchCase, { files }: Oracle) => {
    if (typeof error === "string") assert.throws(() => files.map((file) => matchPath(pattern, file)), { message: error });
    else assert.deepEqual(files.filter((file) => matchPath(pattern, file)), matches ?? []);
  },
  "patternmatcher_oracle.json#ignorefile": ({ input, error, patterns }: { readonly input: string; readonly error: string | null; readonly patterns: readonly string[] | null }) => {
    assert.equal(error, null);
    assert.deepEqual(readIgnoreFile(input), patterns ?? []);
  },
  "tbl_patternmatcher.json#TestMatches": ({ pattern, patterns, text, pass }: { readonly pattern?: string; readonly patterns?: readonly string[]; readonly text: string; readonly pass: boolean }) => {
    const matcher = new PatternMatcher(patterns ?? [pattern ?? ""]);
    // The table of several patterns is true of both ways of matching, and so is the other.
    assert.equal(matcher.matchesOrParentMatches(text), pass);
    assert.equal(matcher.matchesUsingParent(text, undefined).matched, pass);
  },
  "tbl_patternmatcher.json#TestMatch": ({ pattern, s, match, err }: { readonly pattern: string; readonly s: string; readonly match: boolean; readonly err?: unknown }) => {
    if (err === undefined || err === null) {
      assert.equal(new PatternMatcher([pattern]).matches(s), match);
      assert.equal(matchesOrParentMatches(s, [pattern]), match);
    } else assert.throws(() => matchesOrParentMatches(s, [pattern]), { message: "syntax error in pattern" });
  },
};

function checkMatcher(row: MatchCase, { files }: Oracle): void {
  const patterns = row.patterns ?? [row.pattern ?? ""];
  if (typeof row.error === "string") {
    assert.throws(() => new PatternMatcher(patterns), { message: row.error });
    return;
  }
  const matcher = new PatternMatcher(patterns);
  assert.equal(matcher.hasExclusions, row.exclusions);
  if (typeof row.matchError === "string") {
    assert.throws(() => matcher.matchesOrParentMatches("a"), { message: row.matchError });
    return;
  }
  assert.deepEqual(files.filter((file) => matcher.matchesOrParentMatches(file)), row.matchesOrParent ?? []);
  assert.deepEqual(files.filter((file) => matchesOnTheWay(matcher, file)), row.matchesOrParent ?? []);
  if (row.matches !== undefined) assert.deepEqual(files.filter((file) => matcher.matches(file)), row.matches ?? []);
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
