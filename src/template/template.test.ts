import assert from "node:assert/strict";
import { test } from "node:test";
import { DOCKER_FUNCTIONS, JSON_INDENTED } from "./docker-functions.ts";
import { ANY, DECODED, INT64, STRING, mapOf, pointerTo, sliceOf, type StructType } from "./go-type.ts";
import { TemplateError } from "./template-error.ts";
import { parseTemplate } from "./template.ts";
import { GoValue, typed } from "./value.ts";

function run(text: string, data?: unknown): string {
  return parseTemplate("t", text, JSON_INDENTED).execute(data);
}

function errorOf(text: string, data?: unknown): string {
  try {
    return `no error: ${run(text, data)}`;
  } catch (error) {
    assert.ok(error instanceof TemplateError);
    return error.message;
  }
}

test("formats with the verbs, flags and complaints of Go's printf", () => {
  const rows: ReadonlyArray<readonly [template: string, expected: string]> = [
    ['{{printf "%6.2f|%-6d|%06d|%+d|% d" 3.14159 42 -42 7 7}}', "  3.14|42    |-00042|+7| 7"],
    ['{{printf "%x|%X|%#x|% x|%#o|%b|%O" "hi" "hi" 255 "hi" 8 5 8}}', "6869|6869|0xff|68 69|010|101|0o10"],
    ['{{printf "%q|%#q|%+q|%q" "a\\"b" "a" "é" 65}}', '"a\\"b"|`a`|"\\u00e9"|\'A\''],
    ['{{printf "%e|%g|%G|%.3g|%.0f" 123456.789 1e-7 1e30 123456.0 2.5}}', "1.234568e+05|1e-07|1E+30|1.23e+05|2"],
    ['{{printf "%v|%v|%v|%v" 1e20 1e21 123456789.0 0.00001}}', "1e+20|1e+21|1.23456789e+08|1e-05"],
    ['{{printf "%c|%U|%#U" 0x1F600 0x41 0x41}}', "😀|U+0041|U+0041 'A'"],
    ['{{printf "%d|%s|%t" "x" 1 nil}}', "%!d(string=x)|%!s(int=1)|%!t(<nil>)"],
    ['{{printf "%d %d" 1}}|{{printf "%d" 1 2}}|{{printf "%"}}|{{printf "%!" 1}}', "1 %!d(MISSING)|1%!(EXTRA int=2)|%!(NOVERB)|%!!(int=1)"],
    ['{{printf "%[2]d %[1]d|%[5]d" 1 2}}', "2 1|%!d(BADINDEX)"],
    ['{{printf "%*d|%-*d|%.*f" 5 1 5 1 2 3.14159}}', "    1|1    |3.14"],
    ['{{printf "%v %+v %#v %T" . . . .}}', 'map[a:1 b:[x <nil>]] map[a:1 b:[x <nil>]] map[string]interface {}{"a":1, "b":[]interface {}{"x", interface {}(nil)}} map[string]interface {}'],
    ['{{printf "%5t|%-7t|%5q" true false "a"}}', " true|false  |  \"a\""],
    ['{{printf "%x" 3.5}} {{printf "%b" 1.0}}', "0x1.cp+01 4503599627370496p-52"],
    ['{{printf "%.2s|%5.1s|" "héllo" "é"}}', "hé|    é|"],
    ['{{printf "%08.3f|%+.1e|%6.1f%%" 3.14159 12345.0 99.5}}', "0003.142|+1.2e+04|  99.5%"],
    ['{{printf "%#.0f|%#.0e|%#x|%#X|%.30g" 3.0 1000.0 3.0 3.0 1e-7}}', "3.|1.e+03|0x1.8000p+01|0X1.8P+01|9.99999999999999954748111825886e-08"],
    ['{{printf "%U|%#U" -1 -1}}', "U+FFFFFFFFFFFFFFFF|U+FFFFFFFFFFFFFFFF"],
    ['{{printf "%[1d|%[1" 7}}|{{printf "%[]" 7}}|{{printf "%[0]d" 7}}', "%!d(BADINDEX)|%!(NOVERB)|%!](BADINDEX)|%!d(BADINDEX)"],
    ['{{printf "%[1][2]d|%[2]5[1]d" 1 2}}', "%![(int=1)2]d|%![(BADINDEX)1]d"],
    ['{{printf "%.[2]3d" 1 2}}|{{len (printf "%2000000d" 1)}}|{{printf "%99999999d" 1}}', "002|2000000|%!(NOVERB)%!(EXTRA int=1)"],
    ['{{printf "%w|%+w|%#w" .b 7 "s"}}', '%!w([]interface {}=[x <nil>])|%!w(int=7)|%!w(string="s")'],
  ];
  for (const [template, expected] of rows) assert.equal(run(template, { a: 1, b: ["x", null] }), expected, template);
});

test("trims, comments, and keeps text as it is", () => {
  assert.equal(run("a {{- /* c */ -}}  b{{/* d */}} \n {{- 1 -}} \n c"), "ab1c");
  assert.equal(run("{{ 1 -}}\n\t2 {{- 3}}"), "123");
});

test("names what is wrong, and where", () => {
  assert.equal(errorOf("\n  {{.a.b.c}}", { a: "x" }), 'template: t:2:6: executing "t" at <.a.b.c>: can\'t evaluate field b in type interface {}');
  assert.equal(errorOf("{{if .x}}\n{{end}}{{else}}"), "template: t:2: unexpected {{else}}");
  assert.equal(errorOf("{{range .x}}{{else if .y}}{{end}}"), 'template: t:1: unexpected <if> in input');
  assert.equal(errorOf("{{.a\n"), "template: t:2: unclosed action started at t:1");
  assert.equal(errorOf("{{(1}}"), "template: t:1: unclosed left paren");
  assert.equal(errorOf("{{1)}}"), "template: t:1: unexpected right paren");
  assert.equal(errorOf("{{$x}}"), 'template: t:1: undefined variable "$x"');
  assert.equal(errorOf("{{1 | 2}}"), "template: t:1: non executable command in pipeline stage 2");
  assert.equal(errorOf('{{"a".b}}'), 'template: t:1: unexpected . after term "\\"a\\""');
  assert.equal(errorOf("{{1x}}"), 'template: t:1: bad number syntax: "1x"');
  assert.equal(errorOf('{{template "none"}}'), 'template: t:1:11: executing "t" at <{{template "none"}}>: template "none" not defined');
  assert.equal(errorOf('{{define "r"}}{{template "r"}}{{end}}{{template "r"}}').includes("exceeded maximum template depth"), true);
  assert.equal(errorOf('{{define "a"}}x{{end}}{{define "a"}}y{{end}}'), 'template: t:1: template: multiple definition of template "a"');
  assert.equal(errorOf("{{index .s 3}}", { s: [1, 2, 3] }), 'template: t:1:2: executing "t" at <index .s 3>: error calling index: reflect: slice index out of range');
  assert.equal(errorOf("é{{.a 1}}", { a: 1 }), 'template: t:1:4: executing "t" at <.a>: a is not a method but has arguments');
  assert.match(errorOf("{{lt 1 1.5}}"), /error calling lt: incompatible types for comparison: int and float64$/);
  assert.match(errorOf('{{eq .s "a"}}', { s: [] }), /error calling eq: incompatible types for comparison: \[\]interface \{\} and string$/);
  assert.match(errorOf("{{lt true false}}"), /error calling lt: invalid type for comparison$/);
  assert.equal(errorOf("{{printf 1}}"), 'template: t:1:9: executing "t" at <1>: expected string; found 1');
});

test("names what is wrong in Go's words where numbers, blocks, bounds and comparisons are", () => {
  assert.equal(errorOf("{{0-upper .a}}"), 'template: t:1: bad number syntax: "0-u"');
  assert.equal(errorOf("{{--1i}}"), 'template: t:1: strconv.ParseFloat: parsing "-": invalid syntax');
  assert.equal(errorOf('{{block "w" .}}\n{{/* c }}{{end}}'), "template: t:2: unclosed comment");
  assert.match(errorOf("{{slice .s .s}}", { s: "x" }), /cannot index slice\/array with type interface \{\}$/);
  assert.match(errorOf("{{eq .m .m}}", { m: { b: true } }), /non-comparable type map\[b:%!s\(bool=true\)\]: map\[string\]interface \{\}$/);
});

test("cuts and pads a map's keys as its values, also where the verb is wrong", () => {
  assert.equal(run('{{printf "%3.1d %3.1v" .m .m}}', { m: { key: "value" } }), "map[%!d(string=  k):%!d(string=  v)] map[  k:  v]");
});

test("counts to the largest integer one by one", () => {
  assert.equal(run("{{range $i := 9223372036854775807}}{{$i}}{{if eq $i 2}}{{break}}{{end}}{{end}}{{range 0}}x{{else}}none{{end}}", undefined), "012none");
});

test("says what was written before the failure", () => {
  assert.throws(() => run("before {{index . 1}}", {}), (error) => error instanceof TemplateError && error.code === "execute" && error.partialOutput === "before ");
});

test("calls functions that are data, and no methods that plain data does not have", () => {
  const data = { join: (...parts: unknown[]) => parts.join("-"), s: "text" };
  assert.equal(run('{{call .join "a" 1 true}}', data), "a-1-true");
  assert.match(errorOf("{{.join}}", data), /can't print \{\{\.join\}\} of type func/);
  assert.equal(run("{{.toString}}{{.constructor}}", data), "<no value><no value>");
});

const POINT: StructType = {
  kind: "struct",
  name: "geo.Point",
  fields: [
    { name: "X", json: "x", type: INT64 },
    { name: "Label", json: "label", type: STRING, omitEmpty: true },
    { name: "Tags", json: "tags", type: sliceOf(STRING), omitEmpty: true },
    { name: "More", json: "more", type: mapOf(ANY) },
  ],
  methods: { Double: (raw) => Number((raw as { readonly x: number }).x) * 2 },
};
const PIN: StructType = { kind: "struct", name: "geo.Pin", fields: [{ name: "Point", json: "Point", type: POINT, embedded: true }, { name: "At", json: "at", type: pointerTo(POINT) }] };

test("gives records Go's names, zero values, promoted fields and methods", () => {
  const pin = typed(pointerTo(PIN), { x: 3, at: { x: 4, label: "<l>" } });
  assert.equal(run("{{.X}} {{.Label}}|{{.Tags}}|{{.At.X}} {{.Double}} {{.At.Double}} {{printf \"%v %+v\" .Point .Point}}", pin), "3 |[]|4 6 8 {3  [] map[]} {X:3 Label: Tags:[] More:map[]}");
  assert.equal(run("{{json .}}", pin), '{\n  "x": 3,\n  "more": null,\n  "at": {\n    "x": 4,\n    "label": "\\u003cl\\u003e",\n    "more": null\n  }\n}');
  assert.equal(errorOf("{{.At.X}}", typed(PIN, {})), 'template: t:1:5: executing "t" at <.At.X>: nil pointer evaluating *geo.Point.X');
  assert.equal(errorOf("{{.Nope}}", pin), 'template: t:1:2: executing "t" at <.Nope>: can\'t evaluate field Nope in type *geo.Pin');
  assert.equal(errorOf("{{.X 1}}", pin), 'template: t:1:2: executing "t" at <.X>: X has arguments but cannot be invoked as function');
});

test("takes decoded JSON's numbers as floats where asked to", () => {
  const decoded = typed(DECODED, { size: 48708930, list: [1, 2.5] });
  assert.equal(run('{{.size}} {{printf "%.0f" .size}} {{.list}} {{json .}}', decoded), '4.870893e+07 48708930 [1 2.5] {\n  "list": [\n    1,\n    2.5\n  ],\n  "size": 48708930\n}');
  assert.equal(run("{{.size}}", { size: 48708930 }), "48708930");
});

test("tells its own text and the fields that it asks for", () => {
  const template = parseTemplate("", '{{- if eq .A (index .B.C "x").D -}} t {{- else}}{{range $i, $x := $.E}}{{$x.F}}{{end}}{{end}}', DOCKER_FUNCTIONS);
  assert.equal(template.text, '{{if eq .A (index .B.C "x").D}}t{{else}}{{range $i, $x := $.E}}{{$x.F}}{{end}}{{end}}');
  assert.deepEqual([...template.fields].toSorted(), ["A", "B", "C", "D", "E", "F"]);
});

test("keeps break and continue as names of functions where there are such", () => {
  const functions = { break: { parameters: [], call: () => "called" } };
  assert.equal(parseTemplate("t", "{{range 2}}{{break}}{{end}}", functions).execute(undefined), "calledcalled");
});

test("holds typed parts inside plain data", () => {
  assert.equal(run('{{printf "%T %v" .n .n}}', { n: new GoValue(INT64, 5) }), "int64 5");
});
