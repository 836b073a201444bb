import { binaryTag, defineScalarTag, FAILSAFE_SCHEMA, loadAll, mergeTag, NOT_RESOLVED, YAMLException } from "js-yaml";
import { builtin, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { BuiltinError } from "./rego-error.ts";
import { fromJson, integer, isArray, jsonText, RegoObject, RegoSet, type Value } from "./value.ts";

export const YAML: BuiltinTable = {
  "yaml.unmarshal": builtin(1, ([text]) => parseYaml(stringOf(text))),
  "yaml.is_valid": builtin(1, ([text]) => typeof text === "string" && isYaml(text)),
  "yaml.marshal": builtin(1, ([value = null]) => blockText(fromJson(JSON.parse(jsonText(value), exactNumber as (key: string, value: unknown) => unknown)))),
};

/** As Go's YAML reads what stands without quotes: YAML 1.1's words and numbers, but for those of base 60; dates are texts. */
const PLAIN: ReadonlyArray<readonly [RegExp, (text: string) => unknown]> = [
  [/^(?:|~|null|Null|NULL)$/, () => null],
  [/^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/, () => true],
  [/^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/, () => false],
  [/^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/, integerValue],
  [/^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/, (text) => Number(text.replaceAll("_", ""))],
  // JSON has no such numbers.
  [/^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/, (text) => { throw new BuiltinError(`yaml: ${text} is no number in JSON`); }],
];

const PLAIN_TAG = defineScalarTag("tag:yaml.org,2002:null", { implicit: true, resolve: (text) => plainValue(text), identify: () => false });

const SCHEMA = FAILSAFE_SCHEMA.withTags(PLAIN_TAG, mergeTag, binaryTag);

/** Aliases that one text may have: each stands for all that it names. */
const ALIASES_MAX = 100;

function plainValue(text: string): unknown {
  for (const [pattern, read] of PLAIN) if (pattern.test(text)) return read(text);
  return NOT_RESOLVED;
}

function integerValue(text: string): unknown {
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "").replace(/^0o?(?=[0-7]+$)/, "0o");
  return integer(BigInt(digits) * (text.startsWith("-") ? -1n : 1n));
}

function parseYaml(text: string): Value {
  try {
    // Of several documents the first counts.
    return fromJson(plain(loadAll(text, { schema: SCHEMA, maxAliases: ALIASES_MAX })[0] ?? null));
  } catch (error) {
    if (error instanceof YAMLException) throw new BuiltinError(`yaml: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Bytes are texts. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

function isYaml(text: string): boolean {
  try {
    parseYaml(text);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

function exactNumber(_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  return typeof value === "number" && source !== undefined && /^-?\d+$/.test(source) ? integer(BigInt(source)) : value;
}

/** As Go's YAML writes it: in blocks, with lists not indented below a name. */
function blockText(value: Value): string {
  return isEmptyOrScalar(value) ? `${scalar(value, "")}\n` : lines(value, "").join("");
}

function isEmptyOrScalar(value: Value): boolean {
  return !(value instanceof RegoSet) && (value instanceof RegoObject ? value.entries().length === 0 : !isArray(value) || value.length === 0);
}

function lines(value: Value, indent: string): string[] {
  if (isArray(value)) return value.flatMap((each) => under(each, `${indent}- `, `${indent}  `));
  if (!(value instanceof RegoObject)) return [`${indent}${scalar(value, indent)}\n`];
  return value.entries().flatMap(([key, each]) => {
    const name = `${indent}${scalar(key, indent)}:`;
    if (isEmptyOrScalar(each)) return [`${name} ${scalar(each, `${indent}  `)}\n`];
    return [`${name}\n`, ...lines(each, isArray(each) ? indent : `${indent}  `)];
  });
}

function under(value: Value, first: string, indent: string): string[] {
  if (isEmptyOrScalar(value)) return [`${first}${scalar(value, indent)}\n`];
  const [head = "", ...rest] = lines(value, indent);
  return [first + head.slice(indent.length), ...rest];
}

function scalar(value: Value, indent: string): string {
  if (value instanceof RegoObject) return "{}";
  if (isArray(value)) return "[]";
  if (typeof value !== "string") return jsonText(value);
  if (/[^\t\n\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd]/u.test(value)) return JSON.stringify(value);
  if (value.includes("\n") && !/^\s/.test(value)) return literal(value, indent);
  // What would be read as something else is in double quotes, what would not be read at all in single ones.
  if (plainValueOf(value) !== undefined || /^\d{4}-\d\d?-\d\d?(?:[Tt\s].*)?$/.test(value)) return JSON.stringify(value);
  const isPlain = !/^[-?:](?:\s|$)|^[,[\]{}#&*!|>'"%@`]|:(?:\s|$)|\s#|^\s|\s$|\n|\t/.test(value) && !/^(?:---|\.\.\.)/.test(value);
  return isPlain ? value : value.includes("\n") ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`;
}

function plainValueOf(text: string): unknown {
  if (/^(?:<<|=|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/.test(text)) return true;
  const value = plainValue(text);
  return value === NOT_RESOLVED ? undefined : value;
}

function literal(text: string, indent: string): string {
  const end = text.endsWith("\n\n") ? "+" : text.endsWith("\n") ? "" : "-";
  const body = text.replace(/\n$/, "").split("\n").map((line) => (line === "" ? "" : `${indent === "" ? "  " : indent}${line}`));
  return `|${end}\n${body.join("\n")}`;
}
