import assert from "node:assert/strict";
import { test } from "node:test";
import { readIgnoreFile } from "./ignore-file.ts";
import { hasWildcards, matchPath, splitWildcards } from "./path-match.ts";
import { matchesOrParentMatches, PatternMatcher } from "./pattern-matcher.ts";

test("the last pattern that speaks of a path decides, and a directory's match is its children's", () => {
  const patterns = ["**", "!src", "src/secret"];
  assert.equal(matchesOrParentMatches("README", patterns), true);
  assert.equal(matchesOrParentMatches("src/a/b.ts", patterns), false);
  assert.equal(matchesOrParentMatches("src/secret/key", patterns), true);
  assert.equal(matchesOrParentMatches(".", patterns), false);
});

test("a pattern that is no regular expression is found out when it is used", () => {
  const matcher = new PatternMatcher(["a\\y"]);
  assert.throws(() => matcher.matchesOrParentMatches("a"), { code: "bad-pattern", retryable: false });
  assert.throws(() => new PatternMatcher(["!"]), { code: "illegal-exclusion" });
});

test("a star stops at a slash and gives back what it took", () => {
  assert.equal(matchPath("/*/b*c", "/a/bxcyc"), true);
  assert.equal(matchPath("/*c", "/a/c"), false);
  assert.equal(matchPath("a\\*", "a*"), true);
});

test("a path is split where its wildcards begin", () => {
  assert.deepEqual(splitWildcards("/a/b*/c"), { fixed: "/a", wild: "b*/c" });
  assert.deepEqual(splitWildcards("/*"), { fixed: "/", wild: "*" });
  assert.deepEqual(splitWildcards("/a/b"), { fixed: "/a/b", wild: "" });
  assert.equal(hasWildcards("a\\*b"), false);
});

test("an ignore file loses its mark, its comments and its leading slashes, and refuses endless lines", () => {
  assert.deepEqual(readIgnoreFile("\uFEFF# c\n /a/ \r\n! /b\n\n"), ["a", "!b"]);
  assert.throws(() => readIgnoreFile("x".repeat(70_000)), { code: "line-too-long" });
});
