import assert from "node:assert/strict";
import { test } from "node:test";
import { goRegExp, PatternError } from "./regular-expression.ts";

test("Go's patterns match what they match in Go", () => {
  const rows: ReadonlyArray<readonly [pattern: string, text: string, matches: boolean]> = [
    ["^a.c$", "abc", true], ["^a.c$", "a\nc", false], ["(?s)^a.c$", "a\nc", true], ["(?i)ABC", "xabc", true],
    // A flag counts to the end of what is around it, over alternatives too.
    ["x(?i)b|c", "C", true], ["x(?i)b|c", "xB", true], ["x(?i)b|c", "XB", false], ["(x(?i)b)c", "xBC", false], ["(?i:a)b", "AB", false], ["(?i)a(?-i)b", "AB", false],
    ["\\Aab\\z", "ab", true], ["\\Aab\\z", "ab\n", false], ["(?m)^b$", "a\nb", true], ["(?m)\\Ab", "a\nb", false],
    ["[[:alpha:]]+[[:digit:]]", "a1", true], ["[]a]", "]", true], ["[^]a]", "]", false], ["[a\\-z]", "-", true], ["a{2}", "aa", true], ["a{,2}", "a{,2}", true],
    ["\\Qa.b\\E", "axb", false], ["\\x41\\x{42}", "AB", true], ["(?P<n>a)\\.(?<m>b)", "a.b", true], ["\\pL+", "é", true], ["\\p{Greek}", "α", true], ["\\d", "٣", false], ["\\s", "\u00a0", false], ["]", "]", true], ["-/=", "-/=", true],
  ];
  for (const [pattern, text, matches] of rows) assert.equal(goRegExp(pattern).test(text), matches, `${pattern} ${JSON.stringify(text)}`);
});

test("what Go refuses, and what would mean something else here, is refused", () => {
  for (const pattern of ["(?=a)", "(?!a)", "(?<=a)", "(a", "a)", "[a", "*a", "\\1", "\\y", "(?U)a", "a**", "[[:nope:]]", "\\p{Nope}"]) assert.throws(() => goRegExp(pattern), PatternError, pattern);
});
