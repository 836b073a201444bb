import assert from "node:assert/strict";
import { detectSyntax } from "../../../src/frontend/dockerfile/directives.ts";
import { DockerfileError } from "../../../src/frontend/dockerfile/dockerfile-error.ts";
import { quote, toLower } from "../../../src/frontend/dockerfile/go-text.ts";
import { chompHeredoc, heredocOf, heredocsOf, parseHeredoc, type Heredoc } from "../../../src/frontend/dockerfile/heredoc.ts";
import type { DockerfileNode } from "../../../src/frontend/dockerfile/node.ts";
import { parseLines } from "../../../src/frontend/dockerfile/parse.ts";
import { ShellWordError } from "../../../src/frontend/dockerfile/shell-lex.ts";
import { jsonArray, SPLITTERS } from "../../../src/frontend/dockerfile/split-arguments.ts";
import { checkHeredocInstructions, type HeredocInstructions } from "./instructions.ts";
import type { RowChecks } from "./row-check.ts";

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

interface LineRow {
  readonly StartLine: number;
  readonly EndLine: number;
  readonly Original: string;
  readonly PrevComment: readonly string[];
}

const TABLES = "tbl_bk_frontend_dockerfile_parser.json#";

/** Dockerfiles as BuildKit's parser sees them: instructions, lines, heredocs. */
export const PARSER_CHECKS: RowChecks = {
  "parser_testfiles.json#cases": checkCase,
  // The instructions of these files are typed, too.
  "heredoc.json#cases": (row: ParserCase & HeredocInstructions) => {
    checkCase(row);
    checkHeredocInstructions(row);
  },
  "heredoc.json#chomp": ({ input, out }: { readonly input: string; readonly out: string }) => assert.equal(chompHeredoc(input), out),
  "heredoc.json#parseHeredoc": ({ input, heredoc }: { readonly input: string; readonly heredoc: HeredocRow | null }) => {
    const got = parseHeredoc(input);
    assert.deepEqual(got === undefined ? null : heredocRow(got), heredoc);
  },
  [`${TABLES}TestJSONArraysOfStrings:32`]: ([json, args]: readonly [string, readonly string[]]) => assert.deepEqual(jsonArray(json), { args, json: true }),
  [`${TABLES}TestJSONArraysOfStrings:52`]: (json: string) => assert.throws(() => jsonArray(json), { message: /^when using JSON array syntax, arrays/ }),
  [`${TABLES}TestParseHeredocHelpers:376`]: (word: string) => assert.equal(parseHeredoc(word), undefined),
  [`${TABLES}TestParseHeredocHelpers:381`]: (word: string) => assert.equal(parseHeredoc(word)?.name, "EOF"),
  [`${TABLES}TestParseHeredocHelpers:386`]: (word: string) => {
    assert.throws(() => parseHeredoc(word), ShellWordError);
    assert.equal(heredocOf(word), undefined);
  },
  [`${TABLES}TestHeredocsFromLine`]: ({ line, heredocNames }: { readonly line: string; readonly heredocNames?: readonly string[] }) => {
    const names = heredocsOf(line).map((heredoc) => heredoc.name);
    // The table's own test looks at what is found only; `<<- EOF` announces nothing, as heredoc.json has it.
    assert.deepEqual(names, line.includes("<<- ") ? [] : (heredocNames ?? []));
  },
  [`${TABLES}TestParseWords`]: ({ input, expect }: { readonly input: readonly string[]; readonly expect: readonly string[] }) => assert.deepEqual(SPLITTERS["arg"]?.(input.join(" "), "\\").args, expect),
  // The rows stand for one file, which the vectors do not hold: each is laid out by itself.
  [`${TABLES}TestParseIncludesLineNumbers`]: (row: LineRow) => {
    const [node] = parse(layOut(row)).nodes;
    assert.deepEqual([node?.firstLine, node?.lastLine, node?.original, node?.comments], [row.StartLine, row.EndLine, row.Original, row.PrevComment]);
  },
};

/** A file whose one instruction stands on the lines that the row names. */
function layOut({ StartLine, EndLine, Original, PrevComment }: LineRow): string {
  const blanks = Array.from({ length: StartLine - 1 - PrevComment.length }, () => "");
  const gap = Original.indexOf(" ") + 1;
  const spread = [`${Original.slice(0, gap)}\\`, ...Array.from({ length: EndLine - StartLine - 1 }, () => ""), Original.slice(gap)];
  return [...blanks, ...PrevComment.map((comment) => `# ${comment}`), ...(EndLine === StartLine ? [Original] : spread)].join("\n");
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
