import { LlbError } from "../../../llb/llb-error.ts";
import type { Definition } from "../../../llb/definition.ts";
import { marshalOutput } from "../../../llb/marshal.ts";
import { lateOutput, type MarshalDefaults, type Output, type SourceFile } from "../../../llb/vertex.ts";
import { formatAllPlatform, normalizePlatform, type Platform } from "../../../oci/platform.ts";
import { PatternError } from "../../../pattern/pattern-error.ts";
import { PatternMatcher } from "../../../pattern/pattern-matcher.ts";
import type { PlatformResult } from "../../frontend.ts";
import type { BuildContext } from "../build-context.ts";
import type { BuildOptions } from "../build-options.ts";
import type { Findings } from "../findings.ts";
import type { FrontendMeans } from "../frontend-source.ts";
import type { Instruction } from "../instruction.ts";
import { llbPlatform } from "../llb-platform.ts";
import type { Parsed } from "../parsed.ts";
import type { WordRules } from "../shell-lex.ts";
import { withSuggestion } from "../suggestion.ts";
import { quote } from "../go-text.ts";
import { linkStages } from "./commands.ts";
import { ConversionError } from "./conversion-error.ts";
import type { Conversion } from "./conversion.ts";
import { convertStages, resolveStages } from "./convert-stages.ts";
import { encodeImage, type DockerImage } from "./docker-image.ts";
import { checkDefaultBases, checkFile } from "./file-findings.ts";
import { addStage } from "./from.ts";
import { globalArgs, predefinedArgs } from "./global-args.ts";
import { EPOCH_ARG, resolveEpoch } from "./source-date-epoch.ts";
import { StageTable, type StageDraft } from "./stage-draft.ts";

/** One Dockerfile to be converted for one platform. */
export interface ConversionRequest {
  readonly parsed: Parsed;
  readonly options: BuildOptions;
  readonly context: BuildContext;
  readonly means: FrontendMeans;
  readonly sourceFile: SourceFile;
  readonly findings: Findings;
  /** Undefined for the worker's own. */
  readonly platform: Platform | undefined;
  /** The target with what it needs, or all that the file has. */
  readonly stages: "target" | "all";
}

/** The definition and the image configuration that the target comes to. Throws DockerfileError. */
export async function convertDockerfile(request: ConversionRequest, signal: AbortSignal): Promise<PlatformResult> {
  const late: LateContext = { output: undefined };
  const converted = await convertAll(request, late, signal);
  late.output = await request.context.output(contextPaths(converted.reachable), signal);
  return finish(request, converted);
}

/** Converts the target, or all stages, for what can be said of them. Throws DockerfileError. */
export async function analyseDockerfile(request: ConversionRequest, signal: AbortSignal): Promise<Pick<Converted, "conversion" | "target">> {
  return await convertAll(request, { output: undefined }, signal);
}

async function convertAll(request: ConversionRequest, late: LateContext, signal: AbortSignal): Promise<Converted> {
  const { parsed, findings, context, means } = request;
  if (parsed.stages.length === 0) throw new ConversionError("dockerfile contains no stages to build");
  checkFile(parsed.stages, findings);
  const { conversion, declaredArgs } = await startConversion(request, late, signal);
  const declared = new Map<StageDraft, readonly Instruction[]>();
  for (const [position, stage] of parsed.stages.entries()) {
    declared.set(addStage(stage, position, { conversion, means, declaredArgs }), stage.commands);
  }
  const target = findTarget(conversion);
  linkStages(conversion, declared);
  const reachable = await resolveStages(target, request.stages, { conversion, means }, signal);
  const matcher = ignoreMatcher(await context.ignorePatterns(signal));
  convertStages(request.stages === "all" ? "all" : reachable, target, { ...conversion, ignoreMatcher: matcher });
  failOnFindings(findings);
  return { conversion, target, reachable };
}

/** The build context: what is taken of it is known only when all stages are converted. */
interface LateContext {
  output: Output | undefined;
}

interface Start {
  readonly conversion: Conversion;
  readonly declaredArgs: ReadonlySet<string>;
}

async function startConversion(request: ConversionRequest, late: LateContext, signal: AbortSignal): Promise<Start> {
  const { parsed, options, means, findings } = request;
  const wordRules: WordRules = { escape: parsed.escape };
  const targetPlatform = request.platform ?? options.buildPlatform;
  const targetStage = options.target === "" ? (parsed.stages.at(-1)?.stageName ?? "") : options.target;
  const predefined = predefinedArgs({ build: options.buildPlatform, target: targetPlatform, targetStage }, options.buildArgs);
  checkDefaults(request, predefined, wordRules);
  const { values, declared, parameters } = globalArgs(predefined, parsed.globalArgs, options.buildArgs, wordRules);
  const epoch = await readEpoch(request, values, wordRules, signal);
  let groups = 0;
  const conversion: Conversion = {
    options, targetPlatform, wordRules, findings, ...epoch,
    globalParameters: parameters,
    scanArguments: means.request.scanArguments,
    isImplicitTarget: request.platform === undefined,
    buildPlatforms: [options.buildPlatform],
    stages: new StageTable(),
    capabilities: { has: (capability) => !means.request.disabledCapabilities.has(capability) },
    sourceFile: request.sourceFile,
    buildContext: lateOutput(() => late.output),
    ignoreMatcher: undefined,
    newGroupId: () => `link-${formatAllPlatform(targetPlatform)}-${++groups}`,
  };
  return { conversion, declaredArgs: declared };
}

/** Faults of the arguments are told when they are read in earnest. */
function checkDefaults({ parsed, findings }: ConversionRequest, predefined: ReadonlyMap<string, string>, rules: WordRules): void {
  try {
    checkDefaultBases(parsed.stages, globalArgs(predefined, parsed.globalArgs, new Map(), rules).values, rules, findings);
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
  }
}

type EpochArgs = Pick<Conversion, "epochSeconds" | "buildArgs" | "globalArgs">;

/** SOURCE_DATE_EPOCH is a number from here on, or gone, wherever it was given. */
async function readEpoch(request: ConversionRequest, globals: ReadonlyMap<string, string>, rules: WordRules, signal: AbortSignal): Promise<EpochArgs> {
  const { options, context, means, parsed } = request;
  const { buildArgs } = options;
  const value = buildArgs.get(EPOCH_ARG) ?? (globals.get(EPOCH_ARG) || undefined);
  if (value === undefined) return { epochSeconds: undefined, buildArgs, globalArgs: globals };
  const epochSeconds = await resolveEpoch(value, { context, means, stages: parsed.stages, buildArgs, globalArgs: globals, rules }, signal);
  const replaced = (args: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
    const others = new Map([...args].filter(([key]) => key !== EPOCH_ARG));
    return epochSeconds === undefined || !args.has(EPOCH_ARG) ? others : others.set(EPOCH_ARG, String(epochSeconds));
  };
  return { epochSeconds, buildArgs: replaced(buildArgs), globalArgs: replaced(globals) };
}

function findTarget({ options, stages }: Conversion): StageDraft {
  const target = options.target === "" ? stages.all.at(-1) : stages.named(options.target);
  if (target !== undefined) return target;
  throw new ConversionError(withSuggestion(`target stage ${quote(options.target)} could not be found`, options.target, stages.shownNames(), true));
}

function ignoreMatcher(patterns: readonly string[]): PatternMatcher | undefined {
  if (patterns.length === 0) return undefined;
  try {
    return new PatternMatcher(patterns);
  } catch (error) {
    if (error instanceof PatternError) throw new ConversionError(error.message, [], error);
    throw error;
  }
}

function failOnFindings(findings: Findings): void {
  const failure = findings.failure();
  if (failure !== undefined) throw new ConversionError(failure);
}

function contextPaths(reachable: ReadonlySet<StageDraft>): ReadonlySet<string> {
  return new Set([...reachable].flatMap((stage) => [...stage.contextPaths]));
}

interface Converted {
  readonly conversion: Conversion;
  readonly target: StageDraft;
  readonly reachable: ReadonlySet<StageDraft>;
}

function finish({ platform, means }: ConversionRequest, { conversion, target, reachable }: Converted): PlatformResult {
  const { options, targetPlatform, capabilities } = conversion;
  const localUniqueId = means.request.sessionId;
  const scanned = [...reachable].filter((stage) => stage !== target && stage.scansStage);
  const extras = scanned.map((stage) => [stage.shownName, stage.state.output] as const);
  const scanDefaults: MarshalDefaults = { platform: llbPlatform(means.request.hostPlatform), capabilities: undefined, localUniqueId };
  const contextExtra = target.scansContext ? [["context", conversion.buildContext] as const] : [];
  const image = finalImage(target.image, options, platform);
  const definition = marshal(target.state.output, { platform: llbPlatform(targetPlatform), capabilities, localUniqueId });
  return {
    platform, definition,
    config: encodeImage(image),
    history: image.history.map(({ origin }) => origin),
    baseConfig: target.baseImage === undefined ? undefined : encodeImage(target.baseImage.image, target.baseImage.created),
    epochSeconds: conversion.epochSeconds,
    ignoresCache: target.ignoresCache || scanned.some(({ ignoresCache }) => ignoresCache),
    scanExtras: new Map([...contextExtra, ...extras].map(([name, output]) => [name, withSharedCapabilities(marshal(output, scanDefaults), definition)])),
  };
}

/** A step that is part of the result too asks for what it asks for there: for BuildKit it is one object. */
function withSharedCapabilities(extra: Definition, result: Definition): Definition {
  for (const [digest, { caps }] of extra.metadata) Object.assign(caps, result.metadata.get(digest)?.caps);
  return extra;
}

function marshal(output: Output | undefined, defaults: MarshalDefaults): Definition {
  try {
    return marshalOutput(output, defaults);
  } catch (error) {
    if (error instanceof LlbError) throw new ConversionError(`failed to marshal LLB definition: ${error.message}`, [], error);
    throw error;
  }
}

/** Of an image that names no system, as one on a context alone does, BuildKit says that of its own program. */
const HOST_OS = "linux";

/** Labels of the build win; a platform that was asked for is what the image says it is for. */
function finalImage(image: DockerImage, { labels }: BuildOptions, asked: Platform | undefined): DockerImage {
  const config = { ...image.config, labels: new Map([...image.config.labels, ...labels]) };
  const platform = asked === undefined ? { ...image.platform, os: image.platform.os || HOST_OS } : platformFor(asked, image.platform);
  return { ...image, config, platform: normalizePlatform(platform) };
}

function platformFor(asked: Platform, found: Platform): Platform {
  // What the base says in more detail holds only if it is of the same kind.
  const details = asked.os === found.os && asked.architecture === found.architecture ? found : {};
  const { "os.features": features } = found;
  return { ...(features === undefined ? {} : { "os.features": features }), ...details, ...asked };
}
