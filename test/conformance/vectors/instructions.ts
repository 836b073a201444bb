import assert from "node:assert/strict";
import { DockerfileError, InstructionError } from "../../../src/frontend/dockerfile/dockerfile-error.ts";
import { expandInstruction } from "../../../src/frontend/dockerfile/expand-instruction.ts";
import { commandLine } from "../../../src/frontend/dockerfile/instruction-source.ts";
import type { Instruction, SourcesAndDest } from "../../../src/frontend/dockerfile/instruction.ts";
import type { From } from "../../../src/frontend/dockerfile/parse-from.ts";
import { parseInstruction } from "../../../src/frontend/dockerfile/parse-instruction.ts";
import { parseLines } from "../../../src/frontend/dockerfile/parse.ts";
import { parseRunDevice } from "../../../src/frontend/dockerfile/run-device.ts";
import type { RunMount } from "../../../src/frontend/dockerfile/run-mount.ts";
import { processWord } from "../../../src/frontend/dockerfile/shell-lex.ts";
import type { Range } from "../../../src/frontend/dockerfile/source-range.ts";
import type { RowChecks } from "./row-check.ts";

interface Typed {
  readonly string?: string | undefined;
  readonly type?: string | undefined;
  readonly value?: unknown;
  readonly error?: string | undefined;
}

interface OracleCase extends Typed {
  readonly input: string;
  readonly parseError?: string;
  readonly expandError?: string;
  readonly mounts?: readonly unknown[];
  readonly network?: string;
  readonly security?: string;
}

/** What a file with heredocs has beside its nodes. */
export interface HeredocInstructions {
  readonly input: string;
  readonly instructions?: readonly Typed[];
}

interface DeviceRow {
  readonly input: string;
  readonly expected?: { readonly Name: string; readonly Required: boolean };
  readonly expectedErr?: { readonly $error: string };
}

interface RefusedRow {
  readonly dockerfile: string;
  readonly expectedError: string;
}

interface CopyRow {
  readonly dockerfile: string;
  readonly sourcesAndDest: { readonly DestPath: string; readonly SourcePaths?: readonly string[]; readonly SourceContents?: readonly unknown[] };
}

interface RunRow {
  readonly dockerfile: string;
  readonly command: readonly string[];
  readonly shell: boolean;
  readonly files?: readonly unknown[];
}

interface JsonArgsRow {
  readonly args: readonly string[];
  readonly attributes?: { readonly json?: boolean };
  readonly expected: readonly string[];
}

const TABLES = "tbl_bk_frontend_dockerfile_instructions.json#";

/** Lines of a Dockerfile as typed instructions, or refused. */
export const INSTRUCTION_CHECKS: RowChecks = {
  "instructions_oracle.json#cases": (row: OracleCase) => {
    if (row.parseError === undefined) checkOracle(row);
    else assert.throws(() => parse(row.input), (error) => error instanceof DockerfileError && error.message === row.parseError);
  },
  [`${TABLES}TestParseDevice`]: ({ input, expected, expectedErr }: DeviceRow) => {
    if (expectedErr !== undefined) assert.throws(() => parseRunDevice(input), { message: expectedErr.$error });
    else assert.deepEqual(parseRunDevice(input), { name: expected?.Name, required: expected?.Required });
  },
  [`${TABLES}TestErrorCasesHeredoc`]: refuses,
  [`${TABLES}TestErrorCases`]: refuses,
  [`${TABLES}TestCopyHeredoc`]: ({ dockerfile, sourcesAndDest }: CopyRow) => {
    const copy = one(dockerfile);
    assert.ok(copy.kind === "copy");
    assert.deepEqual(goSources(copy), { SourcePaths: null, SourceContents: null, ...sourcesAndDest });
  },
  [`${TABLES}TestRunHeredoc`]: ({ dockerfile, command, shell, files = [] }: RunRow) => {
    const run = one(dockerfile);
    assert.ok(run.kind === "run");
    const got = run.files.map(({ name, data, chomp }) => ({ Name: name, Data: data, Chomp: chomp }));
    assert.deepEqual([run.cmdLine, run.prependShell, got], [command, shell, files]);
  },
  [`${TABLES}TestCommandsExactlyOneArgument`]: (word: string) => refused(word, `${word} requires exactly one argument`),
  [`${TABLES}TestCommandsAtLeastOneArgument`]: (word: string) => refused(word, `${word} requires at least one argument`),
  [`${TABLES}TestCommandsNoDestinationArgument`]: (word: string) => refused(`${word} arg1`, `${word} requires at least two arguments, but only one was provided. Destination could not be determined`),
  [`${TABLES}TestCommandsBlankNames`]: (word: string) => refused(`${word} =arg2`, `${word} names can not be blank`),
  [`${TABLES}TestNilLinter`]: ([word]: readonly [string]) => assert.doesNotMatch(refusal(`${word} a=b`) ?? "", /unknown instruction/),
  [`${TABLES}TestHandleJSONArgs`]: ({ args, attributes, expected }: JsonArgsRow) => assert.deepEqual(commandLine(args, attributes?.json === true), expected),
};

/** Holds the typed instructions of a file against ours; throws where they differ. */
export function checkHeredocInstructions({ input, instructions = [] }: HeredocInstructions): void {
  if (instructions.length === 0) return;
  const got = parse(input).nodes.map((node) => outcome(() => parseInstruction(node)));
  assert.deepEqual(got, instructions.map(comparable));
}

function refuses({ dockerfile, expectedError }: RefusedRow): void {
  assert.ok(refusal(dockerfile)?.includes(expectedError), `${refusal(dockerfile)} does not say ${expectedError}`);
}

function refused(dockerfile: string, message: string): void {
  assert.equal(refusal(dockerfile), message);
}

function refusal(dockerfile: string): string | undefined {
  return outcome(() => one(dockerfile)).error;
}

function parse(input: string): ReturnType<typeof parseLines> {
  return parseLines(Buffer.from(input, "utf8"));
}

function one(dockerfile: string): Instruction | From {
  const [node] = parse(dockerfile).nodes;
  assert.ok(node);
  return parseInstruction(node);
}

function checkOracle(row: OracleCase): void {
  const got = outcome(() => one(row.input));
  assert.deepEqual(got, comparable(row), row.input);
  const instruction = row.error === undefined ? one(row.input) : undefined;
  if (instruction?.kind !== "run") return;
  const env = new Map([["X", "xval"], ["T", "cache"], ["S", "locked"]]);
  const expand = (): readonly unknown[] =>
    expandInstruction(instruction, (word) => processWord(word, env, { escape: "\\" }).result).mounts.map(goMount);
  if (row.expandError !== undefined) {
    assert.throws(expand, (error) => error instanceof InstructionError && withoutSuggestion(error.message) === withoutSuggestion(row.expandError ?? ""), row.input);
    return;
  }
  assert.deepEqual([expand(), instruction.network, instruction.security], [row.mounts, row.network, row.security], row.input);
}

/** BuildKit takes one of equally near words at random. */
function withoutSuggestion(message: string): string {
  return message.replace(/ \(did you mean [^)]*\)$/, " (did you mean …)");
}

function outcome(use: () => Instruction | From): Typed {
  try {
    const instruction = use();
    const typed = { type: `*instructions.${GO_TYPES[instruction.kind]}`, value: goValue(instruction) };
    return instruction.kind === "from" ? typed : { ...typed, string: instruction.original };
  } catch (error) {
    if (!(error instanceof InstructionError)) throw error;
    return { error: error.message };
  }
}

function comparable({ string, type, value, error }: Typed): Typed {
  if (error !== undefined) return { error };
  return string === undefined ? { type, value } : { type, value, string };
}

const GO_TYPES: Readonly<Record<(Instruction | From)["kind"], string>> = {
  add: "AddCommand", arg: "ArgCommand", cmd: "CmdCommand", copy: "CopyCommand", entrypoint: "EntrypointCommand", env: "EnvCommand",
  expose: "ExposeCommand", from: "Stage", healthcheck: "HealthCheckCommand", label: "LabelCommand", maintainer: "MaintainerCommand",
  onbuild: "OnbuildCommand", run: "RunCommand", shell: "ShellCommand", stopsignal: "StopSignalCommand", user: "UserCommand",
  volume: "VolumeCommand", workdir: "WorkdirCommand",
};

/** The instruction as Go prints it in JSON: BuildKit's names, null where a list is empty. */
function goValue(instruction: Instruction | From): unknown {
  switch (instruction.kind) {
    case "add":
      return {
        ...goSources(instruction), Chown: instruction.chown, Chmod: instruction.chmod, Link: instruction.link, ExcludePatterns: orNull(instruction.exclude),
        KeepGitDir: instruction.keepGitDir ?? null, Checksum: instruction.checksum, Unpack: instruction.unpack ?? null,
      };
    case "copy":
      return {
        ...goSources(instruction), From: instruction.from, Chown: instruction.chown, Chmod: instruction.chmod, Link: instruction.link,
        ExcludePatterns: orNull(instruction.exclude), Parents: instruction.parents,
      };
    case "arg":
      return { Args: instruction.args.map(({ key, value, docComment }) => ({ Key: key, Value: value ?? null, DocComment: docComment })) };
    case "env":
      return { Env: instruction.env.map(goPair) };
    case "label":
      return { Labels: instruction.labels.map(goPair) };
    case "cmd":
      return goCommand(instruction);
    case "entrypoint":
      return { ...goCommand(instruction), CmdLine: orNull(instruction.cmdLine) };
    case "run":
      return { ...goCommand(instruction), FlagsUsed: instruction.flagsUsed };
    case "expose":
      return { Ports: instruction.ports };
    case "from":
      return goStage(instruction);
    case "healthcheck":
      return { Health: goHealth(instruction.health) };
    case "maintainer":
      return { Maintainer: instruction.maintainer };
    case "onbuild":
      return { Expression: instruction.expression };
    case "shell":
      return { Shell: instruction.shell };
    case "stopsignal":
      return { Signal: instruction.signal };
    case "user":
      return { User: instruction.user };
    case "volume":
      return { Volumes: instruction.volumes };
    case "workdir":
      return { Path: instruction.path };
  }
}

function goStage(from: From): unknown {
  return {
    Name: from.stageName, Commands: [], OrigCmd: from.name, BaseName: from.baseName, Platform: from.platform, DocComment: from.docComment,
    SourceCode: from.original, Location: from.location.map(goRange), Comments: orNull(from.comments),
  };
}

function goRange({ start, end }: Range): unknown {
  return { Start: { Line: start.line, Character: start.character }, End: { Line: end.line, Character: end.character } };
}

function goSources({ dest, sources, contents }: SourcesAndDest): object {
  return { DestPath: dest, SourcePaths: orNull(sources), SourceContents: orNull(contents.map(({ path, data, expand }) => ({ Path: path, Data: data, Expand: expand }))) };
}

function goPair({ key, value, noDelim }: { readonly key: string; readonly value: string; readonly noDelim: boolean }): unknown {
  return { Key: key, Value: value, NoDelim: noDelim };
}

function goCommand(command: Extract<Instruction, { kind: "run" | "cmd" | "entrypoint" }>): object {
  const files = command.files.map(({ name, data, chomp }) => ({ Name: name, Data: data, Chomp: chomp }));
  return { CmdLine: command.cmdLine, Files: orNull(files), PrependShell: command.prependShell };
}

function goHealth(health: Extract<Instruction, { kind: "healthcheck" }>["health"]): unknown {
  const numbers = {
    Interval: Number(health.intervalNs), Timeout: Number(health.timeoutNs), StartPeriod: Number(health.startPeriodNs), StartInterval: Number(health.startIntervalNs), Retries: health.retries,
  };
  return { Test: health.test, ...Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== 0)) };
}

function goMount(mount: RunMount): unknown {
  return {
    Type: mount.type, From: mount.from, Source: mount.source, Target: mount.target, ReadOnly: mount.readOnly, SizeLimit: Number(mount.sizeLimitBytes),
    CacheID: mount.id, CacheSharing: mount.sharing, Required: mount.required, Env: mount.env ?? null, Mode: mount.mode ?? null, UID: mount.uid ?? null, GID: mount.gid ?? null,
  };
}

function orNull<Item>(items: readonly Item[]): readonly Item[] | null {
  return items.length === 0 ? null : items;
}
