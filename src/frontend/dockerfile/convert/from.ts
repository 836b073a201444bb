import { InvalidPlatformError, parsePlatform, type Platform } from "../../../oci/platform.ts";
import type { Instruction, Stage } from "../instruction.ts";
import { quote, toLower } from "../go-text.ts";
import { findNamedContext } from "../named-context.ts";
import { processWord, ShellWordError, type ProcessedWord } from "../shell-lex.ts";
import { nearest, withSuggestion } from "../suggestion.ts";
import { ConversionError, withLocation, withPrefix } from "./conversion-error.ts";
import type { Conversion } from "./conversion.ts";
import type { FrontendMeans } from "../frontend-source.ts";
import { StageDraft } from "./stage-draft.ts";

export interface FromMeans {
  readonly conversion: Conversion;
  readonly means: FrontendMeans;
  /** Names of the global ARGs. */
  readonly declaredArgs: ReadonlySet<string>;
}

/** Adds the stage of a FROM line to the table. Throws ConversionError. */
export function addStage(declaration: Stage, position: number, from: FromMeans): StageDraft {
  const { conversion } = from;
  const used = new Set<string>();
  const base = expandBase(declaration, from, used);
  const stage = new StageDraft(declaration, base, false);
  stage.platform = declaration.platform === "" ? undefined : expandPlatform(declaration, from, used);
  stage.namedContext = declaration.stageName === "" ? undefined : contextOf(declaration.stageName, stage, from);
  if (declaration.stageName === "") stage.shownName = `stage-${position}`;
  conversion.stages.add(stage);
  if (stage.namedContext !== undefined) {
    stage.base = undefined;
    return stage;
  }
  for (const name of used) stage.parameters.used.add(name);
  const steps = declaration.commands.filter(isStep).length;
  stage.stepTotal = steps + (stage.base === undefined && base !== "scratch" ? 1 : 0);
  const { noCache } = conversion.options;
  stage.ignoresCache = noCache === "all" || noCache.has(toLower(declaration.stageName));
  return stage;
}

function isStep({ kind }: Instruction): boolean {
  return kind === "add" || kind === "copy" || kind === "run" || kind === "workdir";
}

function contextOf(name: string, stage: StageDraft, { conversion, means }: FromMeans): StageDraft["namedContext"] {
  const platform = stage.platform ?? (conversion.isImplicitTarget ? undefined : conversion.targetPlatform);
  return findNamedContext(name, { platform, resolveMode: conversion.options.resolveMode, usedPaths: () => stage.paths }, means);
}

/** The words of a FROM line see global arguments only. */
function expandWord(word: string, declaration: Stage, { conversion, declaredArgs }: FromMeans, failure: (error: unknown) => unknown): ProcessedWord {
  try {
    const processed = processWord(word, conversion.globalArgs, conversion.wordRules);
    reportUndefined(processed, declaration, conversion, declaredArgs);
    return processed;
  } catch (error) {
    if (error instanceof ShellWordError) reportUndefined(error, declaration, conversion, declaredArgs);
    throw failure(error);
  }
}

function reportUndefined({ unmatched }: Pick<ProcessedWord, "unmatched">, declaration: Stage, { findings, globalArgs }: Conversion, declaredArgs: ReadonlySet<string>): void {
  const known = new Set([...declaredArgs, ...globalArgs.keys()]);
  for (const name of unmatched) {
    if (known.has(name)) continue;
    const match = nearest(name, [...known], true);
    findings.add("UndefinedArgInFrom", `FROM argument '${name}' is not declared${match === undefined ? "" : ` (did you mean ${match}?)`}`, declaration);
  }
}

function expandBase(declaration: Stage, from: FromMeans, used: Set<string>): string {
  const { baseName, location } = declaration;
  const { result, matched } = expandWord(baseName, declaration, from, (error) => withLocation(error, location));
  for (const name of matched) used.add(name);
  if (result === "") throw new ConversionError(`base name (${baseName}) should not be blank`, [location]);
  return result;
}

function expandPlatform(declaration: Stage, from: FromMeans, used: Set<string>): Platform {
  const { platform: word, location } = declaration;
  const { globalArgs } = from.conversion;
  const processed = expandWord(word, declaration, from, (error) => withLocation(withPrefix(error, "failed to process arguments for platform "), location));
  for (const name of processed.matched) used.add(name);
  reportRedundant(word, processed, declaration, from.conversion);
  reportConstant(processed, declaration, from);
  const suggest = (message: string): string => suggestAny(message, processed.unmatched, [...globalArgs.keys()]);
  if (processed.result === "") throw new ConversionError(suggest(`empty platform value from expression ${word}`), [location]);
  try {
    return parsePlatform(processed.result, from.means.request.hostPlatform);
  } catch (error) {
    if (!(error instanceof InvalidPlatformError)) throw error;
    throw new ConversionError(`failed to parse platform ${word}: ${suggest(error.message)}`, [location, location]);
  }
}

function suggestAny(message: string, names: ReadonlySet<string>, options: readonly string[]): string {
  const name = [...names].find((candidate) => nearest(candidate, options, true) !== undefined);
  return name === undefined ? message : withSuggestion(message, name, options, true);
}

function reportRedundant(word: string, { matched, unmatched, result }: ProcessedWord, declaration: Stage, { findings, globalArgs }: Conversion): void {
  const isTargetAlone = matched.size === 1 && unmatched.size === 0 && matched.has("TARGETPLATFORM");
  if (!isTargetAlone || result !== globalArgs.get("TARGETPLATFORM")) return;
  findings.add("RedundantTargetPlatform", `Setting platform to predefined ${word} in FROM is redundant as this is the default behavior`, declaration);
}

/** A stage that names the platform is meant for it. */
function reportConstant({ matched, unmatched, result }: ProcessedWord, declaration: Stage, { conversion, means }: FromMeans): void {
  if (matched.size > 0 || unmatched.size > 0) return;
  const platform = parseQuietly(result, means.request.hostPlatform);
  if (platform === undefined || declaration.stageName.includes(platform.os) || declaration.stageName.includes(platform.architecture)) return;
  conversion.findings.add("FromPlatformFlagConstDisallowed", `FROM --platform flag should not use constant value ${quote(result)}`, declaration);
}

function parseQuietly(text: string, host: Platform): Platform | undefined {
  try {
    return parsePlatform(text, host);
  } catch (error) {
    if (error instanceof InvalidPlatformError) return undefined;
    throw error;
  }
}
