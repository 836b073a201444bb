import assert from "node:assert/strict";
import { test } from "node:test";
import { CsvError, csvFields } from "./csv-fields.ts";
import { parseByteSize } from "./byte-size.ts";
import { parseCheckOptions } from "./check-options.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { quote, toLower, toUpper, trimSpace } from "./go-text.ts";
import { withSuggestion } from "./suggestion.ts";

test("white space is Go's", () => {
  assert.equal(trimSpace("\u0085\u00a0\u3000 \ufeffa\t\v\u2028"), "\ufeffa");
});

test("case changes one character at a time", () => {
  assert.equal(toLower("ΑΣ İ"), "ασ i");
  assert.equal(toUpper("ßı"), "ßI");
});

test("quotes show what cannot be printed, and bytes as bytes", () => {
  assert.equal(quote('a"\\\n\u0001é\u00ad\u{e0001}\udcfe'), '"a\\"\\\\\\n\\x01é\\u00ad\\U000e0001\\xfe"');
});

test("a value of several fields keeps quoted commas and says where it breaks", () => {
  assert.deepEqual(csvFields('a,"b,""c""",'), ["a", 'b,"c"', ""]);
  assert.throws(() => csvFields('é,b"'), (error) => error instanceof CsvError && error.code === "bare-quote" && error.message === 'parse error on line 1, column 5: bare " in non-quoted-field');
  assert.throws(() => csvFields('"a""b'), { message: 'parse error on line 1, column 5: extraneous or missing " in quoted-field' });
});

test("durations are read and written in Go's form", () => {
  assert.equal(parseDuration("1h1m1.5s"), 3_661_500_000_000n);
  assert.deepEqual([0n, 999n, 1_500n, 61_000_000_000n, 3_600_000_000_000n].map(formatDuration), ["0s", "999ns", "1.5µs", "1m1s", "1h0m0s"]);
  assert.throws(() => parseDuration("1y"), { message: 'time: unknown unit "y" in duration "1y"' });
});

test("sizes are powers of 1024", () => {
  assert.deepEqual(["1.5 GiB", "64m", "10"].map(parseByteSize), [1_610_612_736n, 67_108_864n, 10n]);
  assert.throws(() => parseByteSize("1zz"), { message: "invalid suffix: 'zz'" });
});

test("a near word is proposed in the case of the mistake, a far one is not", () => {
  assert.equal(withSuggestion("no", "ruN", ["COPY", "RUN"], false), "no");
  assert.equal(withSuggestion("no", "RUNN", ["copy", "run"], false), "no (did you mean RUN?)");
  assert.equal(withSuggestion("no", "abcdef", ["ghi"], true), "no");
});

test("check options are read, and a wrong one is named", () => {
  assert.deepEqual(parseCheckOptions("skip=A, B;error=true"), { skipAll: false, skip: ["A", "B"], experimentalAll: false, experimental: [], error: true });
  assert.throws(() => parseCheckOptions("skp=all"), { message: 'invalid check option "skp"' });
});
