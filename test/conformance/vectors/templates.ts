import assert from "node:assert/strict";
import { isWholeManifest } from "../../../src/trace/inspect.ts";
import { DESCRIPTOR_TYPE, INDEX_TYPE, PROVENANCE_TYPE, SBOM_TYPE, multiInputType, singleInputType } from "../../../src/trace/inspect-type.ts";
import { DOCKER_FUNCTIONS, JSON_INDENTED } from "../../../src/template/docker-functions.ts";
import type { Functions } from "../../../src/template/go-function.ts";
import { ANY, INT, STRING, VALUE, mapOf, sliceOf, typeName, type ScalarType, type StructType } from "../../../src/template/go-type.ts";
import { TemplateError, FunctionError } from "../../../src/template/template-error.ts";
import { parseTemplate } from "../../../src/template/template.ts";
import { GoValue, inside, integerOf, textOf, type Maybe } from "../../../src/template/value.ts";
import type { RowChecks } from "./row-check.ts";

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

interface DockerFile {
  readonly data: Readonly<Record<string, unknown>>;
}

interface FormatRow extends DockerCase {
  readonly data: "single" | "multi";
}

interface FormatFile {
  readonly data: Readonly<Record<"single" | "multi" | "provenance" | "sbom", Readonly<Record<string, unknown>>>>;
}

/** Go's templates, with plain JSON, with Docker's functions, and over the record of an image. */
export const TEMPLATE_CHECKS: RowChecks = {
  "text_template_exec.json#cases": (row: ExecCase, { fixtures }: { readonly fixtures: Readonly<Record<string, unknown>> }) => {
    const fixture = (row.data as { readonly $fixture?: string } | null)?.$fixture;
    const got = run(row.name, row.template, fixture === undefined ? row.data : fixtures[fixture], TEST_FUNCTIONS);
    const error = row.jsonOK && row.ok ? undefined : row.jsonError;
    assert.deepEqual({ error: undefined, ...got }, { error, output: row.jsonOutput ?? (row.jsonOK ? row.expected : "") });
  },
  "docker_cli_templates.json#cases": (row: DockerCase, { data }: DockerFile) => {
    const got = run("", row.template, dockerData(data), DOCKER_FUNCTIONS);
    assert.deepEqual({ error: undefined, ...got }, { error: row.error ?? row.parseError, output: row.output ?? row.partial ?? "" });
    if (typeof row.root === "string") assert.equal(parseTemplate("", row.template, DOCKER_FUNCTIONS).text, row.root);
  },
  "imagetools_format.json#cases": (row: FormatRow, { data }: FormatFile) => {
    const { output, error } = run("", row.template, imageRecord(row.data, data), JSON_INDENTED);
    assert.equal(comparable(error ?? output), comparable(row.output ?? row.error ?? row.parseError));
  },
  "imagetools_format.json#wholeManifest": ([template, whole]: readonly [string, boolean]) => assert.equal(isWholeManifest(template), whole),
};

function dockerData(data: DockerFile["data"]): unknown {
  return {
    ...data,
    Dur: new GoValue(DURATION, data["Dur"]),
    Map: new GoValue({ kind: "map", element: STRING }, data["Map"]),
    Tags: new GoValue(sliceOf(STRING), data["Tags"]),
    Time: new GoValue(TIME, data["Time"]),
  };
}

function imageRecord(name: "single" | "multi", data: FormatFile["data"]): GoValue {
  const one = { Provenance: () => new GoValue(PROVENANCE_TYPE, data.provenance), SBOM: () => new GoValue(SBOM_TYPE, data.sbom) };
  const several = { Provenance: () => new GoValue(mapOf(PROVENANCE_TYPE), {}), SBOM: () => new GoValue(mapOf(SBOM_TYPE), {}) };
  const manifestType: StructType = name === "single" ? DESCRIPTOR_TYPE : INDEX_TYPE;
  return new GoValue(name === "single" ? singleInputType(one) : multiInputType(several), { ...data[name], manifest: new GoValue(manifestType, data[name]["manifest"]) });
}

/** Addresses differ from run to run, and the vectors' records were made in another package than buildx's. */
function comparable(text: string | undefined): string | undefined {
  return text?.replaceAll(/0x[0-9a-f]{8,}/g, "0xADDRESS").replaceAll("main.tplInput", "imagetools.tplInput");
}
