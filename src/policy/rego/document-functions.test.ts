import assert from "node:assert/strict";
import { test } from "node:test";
import { compileProgram } from "./program.ts";
import { evaluateRule } from "./rego.ts";
import { fromJson, regoText } from "./value.ts";

/** What the expression is for these values of `x` and `y`; undefined where it has no value. Each was compared with OPA's. */
function value(expression: string, x: unknown, y: unknown = null): string | undefined {
  const program = compileProgram([{ file: "t.rego", text: `package t\np := ${expression}\n` }], { load: () => undefined, functions: new Map() });
  const found = evaluateRule(program, ["t", "p"], fromJson({ x, y }), { nowNs: 1_700_000_000_000_000_000n, print: () => undefined, onBuiltinError: () => undefined });
  return found === undefined ? undefined : regoText(found);
}

test("YAML is read as Go reads it: words of version 1.1, and no number that JSON lacks", () => {
  for (const [text, read] of [
    ["yes", "true"], ["No", "false"], ["on", "true"], ["010", "8"], ["0o10", "8"], ["0x1F", "31"], ["1_000", "1000"], ["0b11", "3"], ["+1", "1"], ["60:30", '"60:30"'], ["2020-01-01", '"2020-01-01"'],
    ["~", "null"], ["", "null"], [".5", "0.5"], ["1e3", "1000"], ["12345678901234567890", "12345678901234567890"], ["'yes'", '"yes"'], ["a: !!str 1", '{"a": "1"}'], ["!!binary aGk=", '"hi"'],
    ["a: 1\nb: [x, {c: d}]", '{"a": 1, "b": ["x", {"c": "d"}]}'], ["- 1\n-  two", '[1, "two"]'], ["a: &x 1\nb: *x", '{"a": 1, "b": 1}'], ["<<: {a: 1}\nb: 2", '{"a": 1, "b": 2}'], ["{1: a, true: b}", '{"1": "a", "true": "b"}'],
    ["a: |\n  x\n  y\n", '{"a": "x\\ny\\n"}'], ["--- 1\n--- 2\n", "1"], [".inf", undefined], ["[1,", undefined],
  ] as const) assert.deepEqual([value("yaml.unmarshal(input.x)", text), value("yaml.is_valid(input.x)", text)], [read, String(read !== undefined)], JSON.stringify(text));
  // An alias of an alias could stand for more than there is room for.
  const bomb = ["a: &a [x, x]", ..."bcdefgh".split("").map((name, i) => `${name}: &${name} [${`*${"abcdefg"[i]}, `.repeat(20)}x]`)].join("\n");
  assert.equal(value("yaml.is_valid(input.x)", bomb), "false");
});

test("YAML is written as Go writes it, and is read as what it was", () => {
  for (const [x, text] of [
    [1, "1\n"], ["a", "a\n"], ["true", '"true"\n'], [[[1, 2], [3]], "- - 1\n  - 2\n- - 3\n"], [{}, "{}\n"],
    [{ b: [1, { c: null }], a: "yes", d: {}, e: [], f: "1", g: "x: y", h: "line\nmore\n", i: true, j: "- a", k: "", l: 1.5, n: "2020-01-01", o: "a #b", p: "ü", q: " lead", z: "multi\nline" },
      'a: "yes"\nb:\n- 1\n- c: null\nd: {}\ne: []\nf: "1"\ng: \'x: y\'\nh: |\n  line\n  more\ni: true\nj: \'- a\'\nk: ""\nl: 1.5\n"n": "2020-01-01"\no: \'a #b\'\np: ü\nq: \' lead\'\nz: |-\n  multi\n  line\n'],
    [[{ a: { b: ["c", { d: "e\nf" }] } }], "- a:\n    b:\n    - c\n    - d: |-\n        e\n        f\n"],
  ] as const) {
    assert.equal(value("yaml.marshal(input.x)", x), JSON.stringify(text));
    assert.equal(value("yaml.unmarshal(yaml.marshal(input.x)) == input.x", x), "true", text);
  }
});

test("JSON is patched, and written in lines", () => {
  for (const [document, operations, patched] of [
    [{ a: 1 }, [{ op: "add", path: "/b", value: [1] }], '{"a": 1, "b": [1]}'], [{ a: [1, 2] }, [{ op: "add", path: "/a/1", value: 9 }], '{"a": [1, 9, 2]}'], [{ a: [1, 2] }, [{ op: "add", path: "a/-", value: 9 }], '{"a": [1, 2, 9]}'],
    [{ a: [1, 2] }, [{ op: "remove", path: ["a", 0] }], '{"a": [2]}'], [{ a: { "b~/c": 1 } }, [{ op: "replace", path: "/a/b~0~1c", value: 2 }], '{"a": {"b~/c": 2}}'],
    [{ a: 1, b: {} }, [{ op: "move", from: "/a", path: "/b/c" }], '{"b": {"c": 1}}'], [{ a: 1, b: {} }, [{ op: "copy", from: "/a", path: "/b/c" }, { op: "test", path: "/b/c", value: 1 }], '{"a": 1, "b": {"c": 1}}'],
    [{ a: 1 }, [{ op: "replace", path: "", value: 2 }], "2"], [[1, [2]], [{ op: "add", path: "/1/0", value: 4 }], "[1, [4, 2]]"],
    [{ a: 1 }, [{ op: "test", path: "/a", value: 2 }], undefined], [{ a: 1 }, [{ op: "remove", path: "/x" }], undefined], [{ a: [1] }, [{ op: "add", path: "/a/5", value: 4 }], undefined],
    [{ a: 1 }, [{ op: "nope", path: "/a" }], undefined], [{ a: {} }, [{ op: "add", path: "/x/y", value: 2 }], undefined],
  ] as const) assert.equal(value("json.patch(input.x, input.y)", document, operations), patched, JSON.stringify(operations));
  assert.equal(value('json.patch({"a": {1, 2}}, [{"op": "remove", "path": ["a", 1]}, {"op": "add", "path": ["a", 3], "value": 3}])', 0), '{"a": {2, 3}}');
  for (const [x, options, text] of [
    [{ b: [1, {}], a: [] }, { pretty: true }, '{\n\t"a": [],\n\t"b": [\n\t\t1,\n\t\t{}\n\t]\n}'], [{ b: [1] }, { prefix: ">", indent: "--" }, '>{\n>--"b": [\n>----1\n>--]\n>}'], [{ b: [1] }, { pretty: false, indent: " " }, '{"b":[1]}'],
    [1, { prefix: "p" }, "p1"], [1, { x: 1 }, undefined],
  ] as const) assert.equal(value("json.marshal_with_options(input.x, input.y)", x, options), text === undefined ? undefined : JSON.stringify(text));
});

test("globs meet where one text is of both; templates match where the rest is as it stands", () => {
  for (const [a, b, meet] of [
    ["a.a.", ".b.b", "true"], ["[a-z]+", "[0-9]*", "false"], ["a*", "b*", "false"], ["a*", "a*", "true"], ["a.*c", "ab+c", "true"], ["\\*", ".", "true"], ["[a\\-]", "-", "true"], ["", "", "true"], ["", "a", "false"],
    ["[abc]d", "[c-e]d", "true"], ["x+y*", "x*y+", "true"], ["[]", "a", "false"], ["+a", "a", undefined], ["[z-a]", "a", undefined], ["a[", "a", undefined], ["[-a]", "a", undefined],
  ] as const) assert.equal(value("regex.globs_match(input.x, input.y)", a, b), meet, `${a} ${b}`);
  for (const [template, text, matches] of [
    ["urn:foo:{.*}", "urn:foo:bar", "true"], ["urn:foo:{[a-z]+}", "urn:foo:BAR", "false"], ["a.c{x{2}}", "a.cxx", "true"], ["a.c", "abc", "false"], ["{a|b}c", "bc", "true"], ["{a", "a", undefined], ["a}", "a", undefined], ["{(}", "(", undefined],
  ] as const) assert.equal(value('regex.template_match(input.x, input.y, "{", "}")', template, text), matches, template);
  for (const [template, values, text] of [
    ["hello {{.who}}", { who: "me" }, "hello me"], ["{{range $i, $e := .l}}{{$i}}={{$e}},{{end}}", { l: [1, "x"] }, "0=1,1=x,"], ["{{.none}}", { a: 1 }, "<undefined>"], ["{{", {}, undefined],
  ] as const) assert.equal(value("strings.render_template(input.x, input.y)", template, values), text === undefined ? undefined : JSON.stringify(text));
});

test("UUIDs are read, and what is drawn stays the same in one evaluation", () => {
  assert.equal(value("uuid.parse(input.x)", "a8d2ea4e-7b1c-11ee-b962-0242ac120002"), '{"clocksequence": 14690, "macvariables": "local:unicast", "nodeid": "02-42-ac-12-00-02", "time": 1699107351675963000, "variant": "RFC4122", "version": 1}');
  assert.equal(value("uuid.parse(input.x)", "000003e8-7b1c-21ee-b902-0242ac120002"), '{"clocksequence": 14594, "domain": "Org", "id": 1000, "macvariables": "local:unicast", "nodeid": "02-42-ac-12-00-02", "time": 1699107068436580000, "variant": "RFC4122", "version": 2}');
  for (const [text, variant, version] of [["00000000-0000-0000-0000-000000000000", "Reserved", 0], ["{9b2f5f8e-1d3a-4c6b-8f7e-2a1b3c4d5e6f}", "RFC4122", 4], ["urn:uuid:9b2f5f8e-1d3a-4c6b-cf7e-2a1b3c4d5e6f", "Microsoft", 4], ["9b2f5f8e1d3a4c6bef7e2a1b3c4d5e6f", "Future", 4]] as const) {
    assert.equal(value("uuid.parse(input.x)", text), `{"variant": "${variant}", "version": ${version}}`);
  }
  assert.equal(value("uuid.parse(input.x)", "nope"), undefined);
  assert.equal(value('[uuid.rfc4122("x") == uuid.rfc4122("x"), uuid.rfc4122("x") == uuid.rfc4122("y"), uuid.parse(uuid.rfc4122("x")), rand.intn("a", 10) < 10, rand.intn("a", -10) == rand.intn("a", 10), rand.intn("a", 0)]', 0), '[true, false, {"variant": "RFC4122", "version": 4}, true, true, 0]');
});
