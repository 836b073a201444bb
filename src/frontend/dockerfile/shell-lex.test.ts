import assert from "node:assert/strict";
import { test } from "node:test";
import { processWord, processWords, ShellWordError, type WordRules } from "./shell-lex.ts";

const ENV: ReadonlyMap<string, string> = new Map([["A", "one two"], ["PATH", "/usr/local/lib/x.tar.gz"], ["EMPTY", ""], ["1", "first"], ["TEMPLATE", "$0$1"]]);
const PLAIN: WordRules = { escape: "\\" };

function expand(word: string, rules: Partial<WordRules> = {}): string {
  return processWord(word, ENV, { ...PLAIN, ...rules }).result;
}

test("variables expand outside single quotes, and quotes and escapes go", () => {
  assert.equal(expand(`$A-"\${A}"-'$A'-\\$A-$NONE-$1x-$.`), "one two-one two-$A-$A--firstx-$.");
});

test("the forms for unset and empty variables hold with and without a colon", () => {
  assert.equal(expand("${NONE-d}${NONE:-d}${EMPTY-d}${EMPTY:-d}"), "ddd");
  assert.equal(expand("${NONE+s}${NONE:+s}${EMPTY+s}${EMPTY:+s}${A:+s}"), "ss");
  assert.equal(expand("${EMPTY?x}${A:?x}${NONE:-${A}}"), "one twoone two");
});

test("patterns take the shortest or the longest piece from either end", () => {
  assert.equal(expand("${PATH#*/} ${PATH##*/} ${PATH%.*} ${PATH%%.*} ${PATH#nothing}"), "usr/local/lib/x.tar.gz x.tar.gz /usr/local/lib/x.tar /usr/local/lib/x /usr/local/lib/x.tar.gz");
});

test("replacements take the first match or all; only the latter fill in templates", () => {
  assert.equal(expand("${PATH/l?/_} ${PATH//l?/_} ${A/ *} ".replace("${A/ *}", "${A/ */}")), "/usr/_cal/lib/x.tar.gz /usr/_ca__b/x.tar.gz one ");
  assert.equal(expand("${A/one/$TEMPLATE} ${A//one/$TEMPLATE}"), "$0$1 two one two");
  assert.equal(expand("${A//*/x}"), "x");
});

test("faults are told in BuildKit's words", () => {
  const faults: Readonly<Record<string, string>> = {
    "a'b": "unexpected end of statement while looking for matching single-quote",
    'a"b': "unexpected end of statement while looking for matching double-quote",
    "${": "syntax error: missing '}'",
    "${A:-": "syntax error: missing '}'",
    "${}": "syntax error: bad substitution",
    "${A!}": "unsupported modifier (!) in substitution",
    "${A:#x}": "unsupported modifier (:#) in substitution",
    "${A/x}": "syntax error: missing '/' in ${}",
    "${NONE?}": "NONE: is not allowed to be unset",
    "${EMPTY:?}": "EMPTY: is not allowed to be empty",
    "${NONE:?need it}": "NONE: need it",
    "${A#\\x}": "invalid pattern (\\x) in substitution: invalid escape '\\x'",
  };
  for (const [word, message] of Object.entries(faults)) {
    assert.throws(() => expand(word), (error) => error instanceof ShellWordError && error.message === `failed to process ${JSON.stringify(word)}: ${message}`, word);
  }
});

test("the names that a word asked for are told, also when it fails", () => {
  const { matched, unmatched } = processWord("$A ${NONE:-$OTHER}", ENV, PLAIN);
  assert.deepEqual([[...matched], [...unmatched]], [["A"], ["OTHER", "NONE"]]);
  assert.throws(() => processWord("${NONE?}", ENV, PLAIN), (error) => error instanceof ShellWordError && error.code === "required-variable" && error.unmatched.has("NONE"));
});

test("each rule changes one thing", () => {
  assert.equal(expand(`"a"'b'$NONE`, { rawQuotes: true }), `"a"'b'`);
  assert.equal(expand("\\$A$NONE${NONE:-x}", { skipUnsetEnv: true }), "$A$NONE${NONE:-x}");
  assert.equal(expand("\\$A", { rawEscapes: true }), "\\$A");
  assert.equal(expand("\"$A\"'$A'", { skipProcessQuotes: true }), "\"one two\"'one two'");
  assert.equal(expand("c:\\x`$A", { escape: "`" }), "c:\\x$A");
});

test("words are split after expansion, outside quotes and escapes", () => {
  assert.deepEqual(processWords(`$A "$A" a\\ b ''`, ENV, PLAIN), ["one", "two", "one two", "a b"]);
  assert.deepEqual(processWords("a << EOF b", ENV, PLAIN), ["a", "<< EOF", "b"]);
});

test("what stands before a nested form in the same word is lost when splitting, as in BuildKit", () => {
  assert.deepEqual(processWords("pre${NONE:-x}post", ENV, PLAIN), ["xpost"]);
  assert.equal(expand("pre${NONE:-x}post"), "prexpost");
});

test("a byte that is not UTF-8 becomes U+FFFD, and shows as a byte in a fault", () => {
  assert.equal(expand("a\udcffb"), "a\ufffdb");
  assert.throws(() => expand("\udcff'"), { message: /^failed to process "\\xff'"/ });
});

test("a pattern of many stars fails fast on a long value", () => {
  const env = new Map([["LONG", "a".repeat(60_000)]]);
  const pattern = "a*".repeat(50);
  assert.equal(processWord(`\${LONG//${pattern}b/x}`, env, PLAIN).result.length, 60_000);
  assert.equal(processWord(`\${LONG%%${pattern}b}`, env, PLAIN).result.length, 60_000);
});

test("a variable that doubles itself ends in an error, and not in all the memory there is", () => {
  let value = "0123456789";
  const double = (): void => {
    value = processWord("$A\"$A\"", new Map([["A", value]]), PLAIN).result;
  };
  assert.throws(() => { for (let times = 0; times < 40; times++) double(); }, /variables put more than 1048576 characters into one word/);
  assert.ok(value.length > 512 * 1024);
});
