import { loadGraph } from "../../../llb/graph.ts";
import { sourceOutput, webSource } from "../../../llb/source-vertex.ts";
import type { Output } from "../../../llb/vertex.ts";
import type { BuildContext } from "../build-context.ts";
import { ownDefinition, type FrontendMeans } from "../frontend-source.ts";
import { gitRequest, isGitSource, parseGitReference, urlFilename } from "../git-reference.ts";
import { parseInt64, IntegerError } from "../go-integer.ts";
import { toLower } from "../go-text.ts";
import type { AddInstruction, ArgInstruction, Stage } from "../instruction.ts";
import { findNamedContext } from "../named-context.ts";
import { processWord, type WordRules } from "../shell-lex.ts";
import { ConversionError, withLocation } from "./conversion-error.ts";

export interface EpochMeans {
  readonly context: BuildContext;
  readonly means: FrontendMeans;
  readonly stages: readonly Stage[];
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly globalArgs: ReadonlyMap<string, string>;
  readonly rules: WordRules;
}

export const EPOCH_ARG = "SOURCE_DATE_EPOCH";

/**
 * Seconds that `SOURCE_DATE_EPOCH` stands for: a number, or the time of the build context, of a named
 * context, or of the one remote file that a stage adds. Undefined where the source tells no time.
 */
export async function resolveEpoch(value: string, epoch: EpochMeans, signal: AbortSignal): Promise<bigint | undefined> {
  if (value === "") return undefined;
  const seconds = parseSeconds(value);
  if (seconds !== undefined) return seconds;
  const { output, logName } = await findSource(value, epoch, signal);
  const { means } = epoch;
  if (output === undefined || means.gateway.sourceTime === undefined) return undefined;
  const definition = ownDefinition(output, means);
  const { vertices } = loadGraph(definition);
  const sources = [...vertices.values()].filter(({ op }) => op.op.case === "source");
  return sources.length === 1 ? await means.gateway.sourceTime(definition, logName, signal) : undefined;
}

function parseSeconds(text: string): bigint | undefined {
  try {
    return parseInt64(text);
  } catch (error) {
    if (error instanceof IntegerError) return undefined;
    throw error;
  }
}

interface EpochSource {
  readonly output: Output | undefined;
  readonly logName: string;
}

async function findSource(value: string, epoch: EpochMeans, signal: AbortSignal): Promise<EpochSource> {
  if (value === "context") return { output: await epoch.context.output(new Set(["/"]), signal), logName: "[internal] resolve main build context metadata" };
  const named = findNamedContext(value, { platform: undefined, resolveMode: "default", usedPaths: () => new Set(["/"]) }, epoch.means);
  if (named !== undefined) return { output: (await named.load(signal)).state.output, logName: `[internal] resolve SOURCE_DATE_EPOCH named context ${value}` };
  const stage = epoch.stages.find(({ stageName }) => toLower(stageName) === toLower(value));
  if (stage === undefined) throw new ConversionError(`invalid SOURCE_DATE_EPOCH: ${value}`);
  try {
    return { output: stageSource(stage, epoch), logName: `[internal] resolve SOURCE_DATE_EPOCH source stage ${stage.stageName}` };
  } catch (error) {
    throw withLocation(error, stage.location);
  }
}

/** The stage has no use but its time: one remote ADD on nothing. */
function stageSource(stage: Stage, epoch: EpochMeans): Output {
  let env = new Map([...epoch.globalArgs].filter(([key]) => key !== EPOCH_ARG));
  if (processWord(stage.baseName, env, epoch.rules).result !== "scratch") throw new ConversionError("SOURCE_DATE_EPOCH stage must use FROM scratch");
  let source: Output | undefined;
  for (const instruction of stage.commands) {
    if (instruction.kind === "arg") env = withArgs(env, instruction, epoch);
    else if (instruction.kind !== "add") throw new ConversionError(`SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported ${instruction.name} instruction`);
    else if (source !== undefined) throw new ConversionError("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
    else source = addSource(instruction, env, epoch.rules);
  }
  if (source === undefined) throw new ConversionError("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD");
  return source;
}

function withArgs(env: ReadonlyMap<string, string>, { args }: ArgInstruction, { buildArgs, rules }: EpochMeans): Map<string, string> {
  const extended = new Map(env);
  for (const { key, value } of args) {
    const given = buildArgs.get(key) ?? (value === undefined ? undefined : processWord(value, extended, rules).result);
    if (given !== undefined) extended.set(key, given);
  }
  return extended;
}

function addSource(instruction: AddInstruction, env: ReadonlyMap<string, string>, rules: WordRules): Output {
  const [word, ...more] = instruction.sources;
  if (word === undefined || more.length > 0 || instruction.contents.length > 0) throw new ConversionError("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source");
  const url = processWord(word, env, rules).result;
  const checksum = processWord(instruction.checksum, env, rules).result;
  if (/^https?:\/\//.test(url) && !isGitSource(url)) return sourceOutput(webSource({ url, filename: urlFilename(url), checksum }), {});
  const git = parseGitReference(url);
  if (git === undefined || git.looksLocal) throw new ConversionError("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD");
  const keepGitDir = instruction.keepGitDir === true || git.keepGitDir === true;
  return sourceOutput(gitRequest({ ...git, fetchByCommit: false }, { keepGitDir, checksum: checksum || git.checksum, mtime: "" }), {});
}
