import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../testing/conformance.ts";
import { DOCKER_FUNCTIONS } from "./docker-functions.ts";
import type { Functions } from "./go-function.ts";
import { ANY, INT, STRING, VALUE, sliceOf, typeName, type ScalarType, type StructType } from "./go-type.ts";
import { TemplateError, FunctionError } from "./template-error.ts";
import { parseTemplate } from "./template.ts";
import { GoValue, complexOf, inside, integerOf, textOf, type Maybe } from "./value.ts";

interface Outcome {
  readonly output: string;
  readonly error?: string;
}

function run(name: string, text: string, data: unknown, functions: Functions): Outcome {
  try {
    return { output: parseTemplate(name, text, functions).execute(data) };
  } catch (error) {
    assert.ok(error instanceof TemplateError, String(error));
    return { output: error.partialOutput, error: error.message };
  }
}

const string = (value: Maybe): string => (value === undefined ? "" : textOf(value));
const integer = (value: Maybe): bigint => (value === undefined ? 0n : integerOf(value));
const V: StructType = { kind: "struct", name: "template.V", fields: [] };
const STRINGER: StructType = { kind: "struct", name: "fmt.Stringer", fields: [] };

/** The functions of Go's own test. */
const TEST_FUNCTIONS: Functions = {
  add: { parameters: [], rest: INT, call: (args) => Number(args.reduce((sum, arg) => sum + integer(arg), 0n)) },
  count: { parameters: [INT], call: ([n]) => Array.from({ length: Number(integer(n)) }, (_none, i) => String.fromCharCode(97 + i)) },
  dddArg: { parameters: [INT], rest: STRING, call: () => "dddArg" },
  die: { parameters: [], call: () => { throw new FunctionError("die"); } },
  echo: { parameters: [ANY], call: ([value]) => inside(value) },
  makemap: { parameters: [], rest: STRING, call: (args) => Object.fromEntries(args.flatMap((arg, i) => (i % 2 === 0 ? [[string(arg), string(args[i + 1])]] : []))) },
  mapOfThree: { parameters: [], call: () => ({ three: 3 }) },
  oneArg: { parameters: [STRING], call: ([a]) => `oneArg=${string(a)}` },
  returnInt: { parameters: [], call: () => 7 },
  stringer: { parameters: [STRINGER], call: () => "stringer" },
  twoArgs: { parameters: [STRING, STRING], call: ([a, b]) => `twoArgs=${string(a)}${string(b)}` },
  typeOf: { parameters: [ANY], call: ([value]) => typeName(inside(value)?.type ?? VALUE) },
  valueString: { parameters: [STRING], call: () => "value is ignored" },
  vfunc: { parameters: [V, V], call: () => "vfunc" },
  zeroArgs: { parameters: [], call: () => "zeroArgs" },
};

interface ExecCase {
  readonly name: string;
  readonly template: string;
  readonly data: unknown;
  readonly goType: string;
  readonly expected: string;
  readonly ok: boolean;
  readonly jsonOK: boolean;
  readonly jsonError?: string;
  readonly goError?: string;
  readonly jsonOutput?: string;
}

const execCases = conformance<{ cases: readonly ExecCase[]; fixtures: Readonly<Record<string, unknown>> }>("vectors/text_template_exec.json");

test("prints what Go prints for the cases of its own test, given JSON", { skip: execCases.skip }, () => {
  const { cases, fixtures } = execCases.read();
  const wrong: string[] = [];
  let right = 0;
  for (const row of cases) {
    const fixture = (row.data as { readonly $fixture?: string } | null)?.$fixture;
    const outcome = run(row.name, row.template, fixture === undefined ? row.data : fixtures[fixture], TEST_FUNCTIONS);
    const error = row.jsonOK && row.ok ? undefined : row.jsonError;
    const output = row.jsonOutput ?? (row.jsonOK ? row.expected : "");
    if (outcome.error === error && outcome.output === output) right += 1;
    else wrong.push(`${row.jsonOK ? "must" : "may"} ${row.name}: ${JSON.stringify(outcome)} is not ${JSON.stringify({ output, error })}`);
  }
  assert.deepEqual(wrong, [], `${right} of ${cases.length}`);
});

const DURATION: ScalarType = { kind: "int", name: "time.Duration", text: (raw) => `${Number(raw) / 1e9}s` };
const TIME: StructType = {
  kind: "struct",
  name: "time.Time",
  fields: [],
  text: (raw) => String(raw).replace("T", " ").replace("Z", " +0000 UTC"),
  json: (raw) => raw,
};

interface DockerCase {
  readonly template: string;
  readonly root?: string | null;
  readonly output?: string;
  readonly error?: string;
  readonly parseError?: string;
  readonly partial?: string;
}

const dockerCases = conformance<{ cases: readonly DockerCase[]; data: Readonly<Record<string, unknown>> }>("vectors/docker_cli_templates.json");

test("prints what Docker's templates print, with their functions", { skip: dockerCases.skip }, () => {
  const { cases, data } = dockerCases.read();
  const goData = {
    ...data,
    Dur: new GoValue(DURATION, data["Dur"]),
    Map: new GoValue({ kind: "map", element: STRING }, data["Map"]),
    Tags: new GoValue(sliceOf(STRING), data["Tags"]),
    Time: new GoValue(TIME, data["Time"]),
  };
  const wrong: string[] = [];
  for (const row of cases) {
    const outcome = run("", row.template, goData, DOCKER_FUNCTIONS);
    const expected = { output: row.output ?? row.partial ?? "", error: row.error ?? row.parseError };
    if (outcome.output !== expected.output || outcome.error !== expected.error) wrong.push(`${row.template}: ${JSON.stringify(outcome)} is not ${JSON.stringify(expected)}`);
    if (typeof row.root === "string") assert.equal(parseTemplate("", row.template, DOCKER_FUNCTIONS).text, row.root);
  }
  assert.deepEqual(wrong, []);
});

test("sees complex numbers as Go does", () => {
  const seen: unknown[] = [];
  const functions: Functions = { see: { parameters: [ANY], call: ([value]) => { seen.push(complexOf(inside(value) ?? new GoValue(ANY, undefined))); return ""; } } };
  run("", "{{see 1.5-2i}}{{see 3i}}{{see 1e+2-2e-1i}}", undefined, functions);
  assert.deepEqual(seen, [{ real: 1.5, imaginary: -2 }, { real: 0, imaginary: 3 }, { real: 100, imaginary: -0.2 }]);
});
