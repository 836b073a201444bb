import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { detectSyntax } from "./directives.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { quote, toLower } from "./go-text.ts";
import { chompHeredoc, heredocOf, heredocsOf, parseHeredoc, type Heredoc } from "./heredoc.ts";
import type { DockerfileNode } from "./node.ts";
import { parseLines } from "./parse.ts";
import { ShellWordError } from "./shell-lex.ts";
import { jsonArray, SPLITTERS } from "./split-arguments.ts";

interface HeredocRow {
  readonly Name: string;
  readonly FileDescriptor: number;
  readonly Expand: boolean;
  readonly Chomp: boolean;
  readonly Content: string;
}

interface NodeRow {
  readonly value: string;
  readonly args?: readonly string[];
  readonly attributes?: { readonly json?: boolean };
  readonly flags?: readonly string[];
  readonly heredocs?: readonly HeredocRow[];
  readonly lines: readonly [number, number];
  readonly original: string;
  readonly prevComment?: readonly string[];
  readonly onbuild?: NodeRow;
}

interface ParserCase {
  readonly name?: string;
  readonly input: string;
  readonly error?: string;
  readonly ast?: string;
  readonly escape?: string;
  readonly nodes?: readonly NodeRow[];
  readonly warnings?: ReadonlyArray<{ readonly lines: readonly [number, number]; readonly url: string }>;
  readonly syntax?: { readonly ref: string; readonly cmdline: string; readonly lines: ReadonlyArray<{ readonly Start: { readonly Line: number } }> };
}

const files = conformance<{ readonly cases: readonly ParserCase[] }>("vectors/parser_testfiles.json");
const heredocs = conformance<{
  readonly cases: readonly ParserCase[];
  readonly chomp: ReadonlyArray<{ readonly input: string; readonly out: string }>;
  readonly parseHeredoc: ReadonlyArray<{ readonly input: string; readonly error: string | null; readonly heredoc: HeredocRow | null }>;
}>("vectors/heredoc.json");

test("the Dockerfiles of BuildKit's parser tests give its nodes, lines, warnings and errors", { skip: files.skip }, () => {
  for (const row of files.read().cases) checkCase(row);
});

test("the Dockerfiles with heredocs give BuildKit's nodes and bodies", { skip: heredocs.skip }, () => {
  for (const row of heredocs.read().cases) checkCase(row);
});

test("heredoc words and the tabs that they drop are read as BuildKit reads them", { skip: heredocs.skip }, () => {
  const { chomp, parseHeredoc: words } = heredocs.read();
  for (const { input, out } of chomp) assert.equal(chompHeredoc(input), out);
  for (const row of words) {
    const heredoc = parseHeredoc(row.input);
    assert.deepEqual(heredoc === undefined ? null : heredocRow(heredoc), row.heredoc, row.input);
  }
});

const tables = conformance<{ readonly tables: ReadonlyArray<{ readonly func: string; readonly line: number; readonly table: unknown }> }>(
  "vectors/tbl_bk_frontend_dockerfile_parser.json",
);

interface LineRow {
  readonly StartLine: number;
  readonly EndLine: number;
  readonly Original: string;
  readonly PrevComment: readonly string[];
}

/** The shape of each table is known from its name; a wrong one fails the assertions. */
const TABLE_CHECKS: Readonly<Record<string, (table: never) => void>> = {
  "TestJSONArraysOfStrings:32": (table: Readonly<Record<string, readonly string[]>>) => {
    for (const [json, expected] of Object.entries(table)) assert.deepEqual(jsonArray(json), { args: expected, json: true });
  },
  "TestJSONArraysOfStrings:52": (table: readonly string[]) => {
    for (const json of table) assert.throws(() => jsonArray(json), { message: /^when using JSON array syntax, arrays/ }, json);
  },
  "TestParseExtractsHeredoc:320": (table: ReadonlyArray<readonly HeredocRow[] | null>) => {
    const input = heredocs.read().cases[0]?.input ?? "";
    const got = parse(input).nodes.map((node) => node.heredocs.map(heredocRow));
    // The table leaves out the line that is no instruction.
    const named = got.filter((_, index) => parse(input).nodes[index]?.word !== "INVALID");
    assert.deepEqual(named, table.map((row) => row ?? []));
  },
  "TestParseHeredocHelpers:376": (table: readonly string[]) => {
    for (const word of table) assert.equal(parseHeredoc(word), undefined, word);
  },
  "TestParseHeredocHelpers:381": (table: readonly string[]) => {
    for (const word of table) assert.equal(parseHeredoc(word)?.name, "EOF", word);
  },
  "TestParseHeredocHelpers:386": (table: readonly string[]) => {
    for (const word of table) {
      assert.throws(() => parseHeredoc(word), ShellWordError, word);
      assert.equal(heredocOf(word), undefined);
    }
  },
  "TestHeredocsFromLine:439": (table: ReadonlyArray<{ readonly line: string; readonly heredocNames?: readonly string[] }>) => {
    for (const { line, heredocNames } of table) {
      const names = heredocsOf(line).map((heredoc) => heredoc.name);
      // The table's own test looks at what is found only; `<<- EOF` announces nothing, as heredoc.json has it.
      assert.deepEqual(names, line.includes("<<- ") ? [] : (heredocNames ?? []), line);
    }
  },
  "TestParseWords:106": (table: ReadonlyArray<{ readonly input: readonly string[]; readonly expect: readonly string[] }>) => {
    for (const { input, expect } of table) assert.deepEqual(SPLITTERS["arg"]?.(input.join(" "), "\\").args, expect);
  },
  "TestParseIncludesLineNumbers:129": (table: readonly LineRow[]) => {
    const got = parse(layOut(table)).nodes.map((node) => [node.firstLine, node.lastLine, node.original, node.comments]);
    assert.deepEqual(got, table.map((row) => [row.StartLine, row.EndLine, row.Original, row.PrevComment]));
  },
};

test("the tables of the parser's unit tests hold", { skip: tables.skip }, () => {
  for (const { func, line, table } of tables.read().tables) {
    const check = TABLE_CHECKS[`${func}:${line}`];
    assert.ok(check, `a table that nobody reads: ${func}:${line}`);
    // The key of TABLE_CHECKS says what the table holds.
    check(table as never);
  }
});

/** A file whose instructions stand on the lines that the table names; the vectors do not hold the file itself. */
function layOut(rows: readonly LineRow[]): string {
  const lines: string[] = [];
  for (const { StartLine, EndLine, Original, PrevComment } of rows) {
    while (lines.length < StartLine - 1 - PrevComment.length) lines.push("");
    lines.push(...PrevComment.map((comment) => `# ${comment}`));
    const gap = Original.indexOf(" ") + 1;
    const spread = [`${Original.slice(0, gap)}\\`, ...Array.from({ length: EndLine - StartLine - 1 }, () => ""), Original.slice(gap)];
    lines.push(...(EndLine === StartLine ? [Original] : spread));
  }
  return lines.join("\n");
}

function parse(input: string): ReturnType<typeof parseLines> {
  return parseLines(Buffer.from(input, "utf8"));
}

function checkCase(row: ParserCase): void {
  const label = row.name ?? row.input;
  if (row.error !== undefined) {
    assert.throws(() => parse(row.input), (error) => error instanceof DockerfileError && error.message === row.error, label);
    return;
  }
  const { nodes, escape, findings } = parse(row.input);
  assert.equal(escape, row.escape, label);
  assert.equal(nodes.map((node) => `(${dump(node)})`).join("\n"), row.ast, label);
  assert.deepEqual(nodes.map(nodeRow), row.nodes?.map(comparable), label);
  assert.deepEqual(findings.map(({ url, location }) => [url, location.map((range) => range.start.line)]), (row.warnings ?? []).map(({ url, lines }) => [url, [lines[0]]]), label);
  const syntax = detectSyntax(Buffer.from(row.input, "utf8"));
  assert.deepEqual(
    syntax && [syntax.ref, syntax.value, syntax.location.map((range) => range.start.line)],
    row.syntax && [row.syntax.ref, row.syntax.cmdline, row.syntax.lines.map((range) => range.Start.Line)],
    label,
  );
}

/** The node as BuildKit's tests print it. */
function dump(node: DockerfileNode): string {
  const flags = node.flags.length === 0 ? [] : [`[${node.flags.map(quote).join(" ")}]`];
  const args = node.child === undefined ? node.args.map(quote) : [`(${dump(node.child)})`];
  return [toLower(node.word), ...flags, ...(isKnown(node) ? args : ['""'])].join(" ");
}

function isKnown(node: DockerfileNode): boolean {
  return node.child !== undefined || toLower(node.word) === "onbuild" || Object.hasOwn(SPLITTERS, toLower(node.word));
}

function nodeRow(node: DockerfileNode): NodeRow {
  return comparable({
    value: node.word,
    args: node.child === undefined ? (isKnown(node) ? node.args : [""]) : ["<child>"],
    ...(node.child === undefined ? {} : { onbuild: nodeRow(node.child) }),
    attributes: node.json ? { json: true } : {},
    flags: node.flags,
    heredocs: node.heredocs.map(heredocRow),
    lines: [node.firstLine, node.lastLine],
    original: node.original,
    prevComment: node.comments,
  });
}

/** What BuildKit leaves out where it is empty is there in both. */
function comparable({ args, attributes, flags, heredocs: bodies, prevComment, onbuild, ...row }: NodeRow): NodeRow {
  return {
    ...row,
    args: args ?? [],
    attributes: attributes?.json === true ? { json: true } : {},
    flags: flags ?? [],
    heredocs: bodies ?? [],
    prevComment: prevComment ?? [],
    ...(onbuild === undefined ? {} : { onbuild: comparable(onbuild) }),
  };
}

function heredocRow(heredoc: Heredoc): HeredocRow {
  return { Name: heredoc.name, FileDescriptor: heredoc.fileDescriptor, Expand: heredoc.expand, Chomp: heredoc.chomp, Content: heredoc.content };
}
