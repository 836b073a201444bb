import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileProgram } from "./program.ts";
import { RegoError } from "./rego-error.ts";
import { evaluateRule } from "./rego.ts";
import { fromJson, regoText } from "./value.ts";

const INPUT = { name: "alpine", tags: ["1", "2", "latest"], labels: { a: "x", b: "y" }, sizes: [3, 1, 2], users: [{ id: 1, roles: ["a", "b"] }, { id: 2, roles: [] }], when: 1700000000123456789n };

/** The value of `data.t.p`, as Rego writes it. */
function value(rules: string, files: Readonly<Record<string, string>> = {}): string {
  const load = (path: readonly string[]): { file: string; text: string } | undefined => {
    const file = `${path.join("/")}.rego`;
    return files[file] === undefined ? undefined : { file, text: files[file] };
  };
  const printed: string[] = [];
  const program = compileProgram([{ file: "t.rego", text: `package t\n${rules}\n` }], { load, functions: new Map([["print", { arity: "any", run: () => true }]]) });
  const found = evaluateRule(program, ["t", "p"], fromJson(INPUT), { nowNs: 1_700_000_000_000_000_000n, print: (text) => void printed.push(text), onBuiltinError: () => undefined });
  return [...printed.map((text) => `print ${text}`), found === undefined ? "undefined" : regoText(found)].join("\n");
}

/** One row: rules, and what `p` is then. */
function check(rows: ReadonlyArray<readonly [rules: string, expected: string]>): void {
  for (const [rules, expected] of rows) assert.equal(value(rules), expected, rules);
}

function refuses(rows: ReadonlyArray<readonly [rules: string, says: RegExp]>): void {
  for (const [rules, says] of rows) assert.throws(() => value(rules), (error) => error instanceof RegoError && says.test(error.message), rules);
}

describe("rules", () => {
  test("make values, sets, objects and functions", () => check([
    ["p := 1", "1"],
    ["p if input.name == \"alpine\"", "true"],
    ["p if input.name == \"debian\"", "undefined"],
    ["default p := false\np if input.none", "false"],
    ["p := 1 if input.none else := 2 if input.name else := 3", "2"],
    ["p contains x if some x in input.tags", '{"1", "2", "latest"}'],
    ["p contains \"a\"\np contains \"b\"", '{"a", "b"}'],
    ["p contains x if { some x in input.tags; x == \"none\" }", "set()"],
    ["p[k] := v if some k, v in input.labels", '{"a": "x", "b": "y"}'],
    ["p[u.id] contains r if { some u in input.users; some r in u.roles }", '{1: {"a", "b"}}'],
    ["p.a.b := 1\np.c := 2", '{"a": {"b": 1}, "c": 2}'],
    ["f(x) := x * 2\np := f(4)", "8"],
    ["f(\"a\", _) := 1\nf(\"b\", y) := y\np := [f(\"a\", 5), f(\"b\", 6)]", "[1, 6]"],
    ["f([x, {\"k\": y}]) := x + y\np := f([1, {\"k\": 2}])", "3"],
    ["default f(_) := 0\nf(x) := x if x > 1\np := [f(1), f(2)]", "[0, 2]"],
    ["f(x) if x > 2\np := [y | some y in input.sizes; f(y)]", "[3]"],
    ["f(x) := \"low\" if x < 2 else := \"high\"\np := [f(y) | some y in input.sizes]", '["high", "low", "high"]'],
  ]));

  test("are asked in any order, and each literal where it can be", () => check([
    ["p if { y == 2; y := x + 1; x := 1 }", "true"],
    ["p := y if { f(x) = y; x = 3 }\nf(a) := a + 1", "4"],
    ["p if q\nq if r\nr := input.name", "true"],
  ]));
});

test("a body has an answer for each way in which it holds", () => check([
  ["p := [i | input.tags[i] == \"2\"]", "[1]"],
  ["p := {[k, v] | input.labels[k] = v}", '{["a", "x"], ["b", "y"]}'],
  ["p := [[a, b] | [a, b] = [1, 2]]", "[[1, 2]]"],
  ["p := [x | {\"id\": x, \"roles\": []} = input.users[_]]", "[2]"],
  ["p := {r | r := input.users[_].roles[_]}", '{"a", "b"}'],
  ["p := {k: count(v) | some k, v in {\"a\": [1, 2], \"b\": []}}", '{"a": 2, "b": 0}'],
  ["p if { some i, j; input.sizes[i] == input.sizes[j]; i == j }", "true"],
  ["p if every x in input.sizes { x > 0 }", "true"],
  ["p if every x in input.sizes { x > 1 }", "undefined"],
  ["p if every k, v in input.labels { k != v }", "true"],
  ["p if not input.labels.c", "true"],
  ["p if not input.labels.a", "undefined"],
  ["p if { x := \"2\"; x in input.tags }", "true"],
  ["p if \"b\", \"y\" in input.labels", "true"],
  ["p if not \"5\" in input.tags", "true"],
  ["p := [x | some x in input.tags; not startswith(x, \"l\")]", '["1", "2"]'],
  ["p := {x | some x in {1, 2, 3}} - {2}", "{1, 3}"],
  ["p := {1, 2} & {2, 3}", "{2}"],
  ["p := ({1} | {2})", "{1, 2}"],
  ["p := input[\"labels\"][\"a\"]", '"x"'],
  ["p if { some {\"id\": 2} in [{\"id\": 1}, {\"id\": 2}] }", "true"],
]));

test("`with` replaces input, data and functions for one expression", () => check([
  ["q := input.name\np := [q, x] if x := q with input.name as \"other\"", '["alpine", "other"]'],
  ["q := data.t.list[0]\nlist := [1]\np := x if x := q with data.t.list as [5]", "5"],
  ["p := x if x := data.known.ids with data.known.ids as [7]", "[7]"],
  ["p := x if x := time.now_ns() with time.now_ns as 5", "5"],
  ["f(x) := x\ng(x) := x + 1\nq := f(1)\np := [q, x] if x := q with data.t.f as g", "[1, 2]"],
]));

test("imports give names to packages of other files, and the language's own mean nothing more", () => {
  const files = { "lib/images.rego": "package anything\nallowed := {\"alpine\"}\nok(x) if x in allowed" };
  assert.equal(value("import data.lib.images\np if images.ok(input.name)", files), "true");
  assert.equal(value("import data.lib.images as i\nimport rego.v1\nimport future.keywords.in\np := i.allowed", files), '{"alpine"}');
  assert.equal(value("import input.labels as l\np := l.a"), '"x"');
  assert.throws(() => value("import data.lib.none\np := 1", files), /t\.rego:2:1: rego_parse_error: import data\.lib\.none not found/);
});

test("numbers are exact where they are whole, and values have one order over all kinds", () => check([
  ["p := input.when + 1", "1700000000123456790"],
  ["p := [7 / 2, 6 / 2, 7 % 3, 2 - 5, -3]", "[3.5, 3, 1, -3, -3]"],
  ["p := 1 / 0", "undefined"],
  ["p := sort([\"a\", 1, null, true, [1], {\"x\": 1}, {1}])", '[null, true, 1, "a", [1], {"x": 1}, {1}]'],
  ["p := [1 == 1.0, {1, 2} == {2, 1}, [1] < [1, 2]]", "[true, true, true]"],
  ["p := 2 + 3 * 4 == 14", "true"],
  ["p := [round(2.5), ceil(1.2), floor(1.8), abs(-2)]", "[3, 2, 1, 2]"],
]));

test("functions of the language do what OPA's do", () => check([
  ["p := sprintf(\"%s is %d of %v\", [\"a\", 1, [\"x\"]])", '"a is 1 of [\\"x\\"]"'],
  ["p := [concat(\"/\", [\"a\", \"b\"]), split(\"a.b\", \".\"), replace(\"aXa\", \"a\", \"b\"), trim(\" x \", \" \"), substring(\"abc\", 1, -1), indexof(\"abc\", \"c\")]", '["a/b", ["a", "b"], "bXb", "x", "bc", 2]'],
  ["p := [trim_prefix(\"v1\", \"v\"), trim_suffix(\"a.git\", \".git\"), upper(\"a\"), endswith(\"ab\", \"b\"), contains(\"abc\", \"b\")]", '["1", "a", "A", true, true]'],
  ["p := [regex.match(`^v[0-9]+$`, \"v12\"), regex.match(\"(?i)ALPINE\", input.name), regex.replace(\"a-b\", \"(a)-(b)\", \"$2-$1\"), regex.find_n(`\\d`, \"1a2\", -1), regex.split(\",\", \"a,b\")]", '[true, true, "b-a", ["1", "2"], ["a", "b"]]'],
  ["p := regex.find_all_string_submatch_n(`^/([^/]+)/([^/]+)`, \"/o/r/x\", 1)[0]", '["/o/r", "o", "r"]'],
  ["p := [glob.match(\"*.io\", [\".\"], \"ghcr.io\"), glob.match(\"*\", [\".\"], \"a.b\"), glob.match(\"**\", [\".\"], \"a.b\"), glob.match(\"{a,b}/*\", [\"/\"], \"b/c\"), glob.match(\"*\", null, \"a.b\")]", "[true, false, true, true, true]"],
  ["p := [semver.compare(\"1.21.0\", \"1.3.0\"), semver.compare(\"1.0.0-rc.1\", \"1.0.0\"), semver.is_valid(\"1.0\")]", "[1, -1, false]"],
  ["p := [time.parse_rfc3339_ns(\"2023-11-14T22:13:20Z\"), time.now_ns(), time.date(time.now_ns()), time.parse_duration_ns(\"1h30m\"), time.format(0)]", '[1700000000000000000, 1700000000000000000, [2023, 11, 14], 5400000000000, "1970-01-01T00:00:00Z"]'],
  ["p := time.now_ns() - time.parse_rfc3339_ns(\"2023-11-13T22:13:20Z\") < time.parse_duration_ns(\"48h\")", "true"],
  ["p := [json.unmarshal(\"{\\\"a\\\": [1]}\"), json.marshal({\"b\": {2, 1}}), base64.decode(base64.encode(\"x\")), hex.encode(\"a\")]", '[{"a": [1]}, "{\\"b\\":[1,2]}", "x", "61"]'],
  ["p := [object.get(input.labels, \"c\", \"none\"), object.get(input, [\"labels\", \"a\"], 0), object.union({\"a\": 1}, {\"b\": 2}), object.keys(input.labels), object.remove({\"a\": 1, \"b\": 2}, [\"a\"])]", '["none", "x", {"a": 1, "b": 2}, {"a", "b"}, {"b": 2}]'],
  ["p := [count(input.tags), sum([1, 2]), max(input.sizes), min(input.sizes), numbers.range(1, 3), array.concat([1], [2]), array.slice([1, 2, 3], 1, 2)]", "[3, 3, 3, 1, [1, 2, 3], [1, 2], [2]]"],
  ["p := [to_number(\"3\"), is_string(1), type_name({1}), union({{1}, {2}}), strings.any_prefix_match(\"ab\", {\"a\"}), units.parse_bytes(\"1KiB\")]", '[3, false, "set", {1, 2}, true, 1024]'],
  // What cannot be has no value, as in OPA, and no rule holds by it.
  ["p if to_number(\"x\")", "undefined"],
  ["p := $\"name: {input.name}\"", '"name: alpine"'],
  ["p if { print(\"seen\", input.name, input.none) }", "print seen alpine <undefined>\ntrue"],
]));

test("what cannot be understood is an error with its place, never a rule that holds by chance", () => refuses([
  ["p { true }", /^t\.rego:2:1: rego_parse_error: `if` keyword is required/],
  ["p[x] { x := 1 }", /`if` keyword is required/],
  ["p if input.x ==", /^t\.rego:3:1: rego_parse_error: unexpected end/],
  ["p := \"open", /^t\.rego:2:6: rego_parse_error: non-terminated string/],
  ["p if {}", /found empty body/],
  ["p if x == 1", /^t\.rego:2:6: rego_unsafe_var_error: var x is unsafe/],
  ["p contains x if input.name", /var x is unsafe/],
  ["p if { not q[x]; q := {1} }", /var x is unsafe/],
  ["p if { some x; not input.tags[x] }", /var x is unsafe/],
  ["p if verify_all(input)", /^t\.rego:2:6: rego_type_error: undefined function verify_all/],
  ["p if http.send({})", /undefined function http\.send/],
  ["p if startswith(\"a\")", /startswith: arity mismatch/],
  ["p if f(1, 2)\nf(x) := x", /arity mismatch/],
  ["p := 1\np := 2", /^t\.rego:3:1: eval_conflict_error: complete rules must not produce multiple outputs/],
  ["p[\"a\"] := 1 if true\np[x] := 2 if x := \"a\"", /conflict|object keys must be unique/],
  ["p contains 1\np := 2", /conflicting rules data\.t\.p/],
  ["p := q\nq := p", /rego_recursion_error/],
  ["f(x) := f(x)\np := f(1)", /rego_recursion_error/],
  ["p if { x := 1; x := 2 }", /var x assigned above/],
  ["import foo.bar\np := 1", /path must begin with input or data/],
  ["p if input.a with foo as 1", /with keyword target/],
  ["p := @", /illegal token "@"/],
]));
