import { imageSource, sourceOutput } from "../../../llb/source-vertex.ts";
import { stateOf } from "../../../llb/state.ts";
import { formatAllPlatform, normalizePlatform, type Platform } from "../../../oci/platform.ts";
import { formatReference, parseReference, tagNameOnly, withDigest, type Reference } from "../../../oci/reference.ts";
import type { ResolvedImage } from "../../gateway.ts";
import { llbPlatform } from "../llb-platform.ts";
import { findNamedContext, type LoadedContext } from "../named-context.ts";
import { quote } from "../go-text.ts";
import { nearest } from "../suggestion.ts";
import type { FrontendMeans } from "../frontend-source.ts";
import { ConversionError, isFailure, withLocation, withPrefix } from "./conversion-error.ts";
import { COMMAND_DESCRIPTION, locationsOf, type Conversion } from "./conversion.ts";
import { copyImage, emptyImage, type DockerImage } from "./docker-image.ts";
import { ImageConfigError, parseImage, type ParsedImage } from "./parse-docker-image.ts";
import type { StageDraft } from "./stage-draft.ts";
import { countedName } from "./step-name.ts";

export interface BaseMeans {
  readonly conversion: Conversion;
  readonly means: FrontendMeans;
}

/** `FROM scratch`: an empty tree. */
export function useScratch(stage: StageDraft, { targetPlatform }: Conversion): void {
  stage.state = stateOf(undefined);
  stage.image = emptyImage(targetPlatform);
  stage.platform = targetPlatform;
  if (stage.isImplicit) stage.isConverted = true;
}

/**
 * Finds what the stage is built on. Of stages that nobody needs only the names are checked: their images
 * may not exist. Throws ConversionError at the FROM line.
 */
export async function resolveBase(stage: StageDraft, isReachable: boolean, base: BaseMeans, signal: AbortSignal): Promise<void> {
  try {
    const given = stage.baseName;
    const reference = parseBase(given);
    stage.baseName = formatReference(tagNameOnly(reference));
    if (isReachable) await resolveReachable(stage, { given, reference }, base, signal);
    else useImage(stage, stage.platform ?? base.conversion.targetPlatform, base.conversion);
  } catch (error) {
    throw withLocation(error, stage.declaration.location);
  } finally {
    if (stage.isImplicit) stage.isConverted = true;
  }
}

function parseBase(name: string): Reference {
  try {
    return parseReference(name);
  } catch (error) {
    throw withPrefix(error, `failed to parse stage name ${quote(name)}`);
  }
}

interface BaseName {
  /** As the Dockerfile has it. */
  readonly given: string;
  readonly reference: Reference;
}

async function resolveReachable(stage: StageDraft, name: BaseName, base: BaseMeans, signal: AbortSignal): Promise<void> {
  if (stage.namedContext !== undefined) {
    replaceStage(stage, await stage.namedContext.load(signal));
    return;
  }
  const { conversion, means } = base;
  const platform = stage.platform ?? conversion.targetPlatform;
  const use = { platform, resolveMode: conversion.options.resolveMode, usedPaths: () => stage.paths };
  const context = findNamedContext(stage.baseName, use, means);
  if (context !== undefined) replaceBase(stage, await context.load(signal), platform);
  else await useResolved(stage, name, base, signal);
}

/** The stage itself is a context: nothing in it is converted. */
function replaceStage(stage: StageDraft, { state, image }: LoadedContext): void {
  stage.isConverted = true;
  stage.state = state;
  if (image === undefined) return;
  stage.image = copyImage(image);
  if (image.platform.architecture !== "" && image.platform.os !== "") stage.platform = image.platform;
}

function replaceBase(stage: StageDraft, { state, image }: LoadedContext, platform: Platform): void {
  const used = image ?? emptyImage(platform);
  // BuildKit does not say when a context was made.
  stage.baseImage = { image: used, created: "" };
  stage.image = copyImage(used);
  stage.state = { ...state, platform: llbPlatform(normalizePlatform(platform)) };
  stage.platform = platform;
}

async function useResolved(stage: StageDraft, { given, reference }: BaseName, base: BaseMeans, signal: AbortSignal): Promise<void> {
  const { conversion } = base;
  const asked = stage.platform ?? conversion.targetPlatform;
  const resolved = await resolveImage(stage, { given, platform: asked }, base, signal);
  const { image, created } = parseConfig(resolved);
  stage.baseImage = { image, created };
  stage.image = copyImage(image);
  const platform = stage.platform === undefined && conversion.isImplicitTarget ? ownPlatform(image, asked, conversion) : asked;
  const found = formatReference(reference) === resolved.ref ? reference : parseResolved(resolved.ref);
  stage.baseName = formatReference(resolved.digest === undefined ? found : withDigest(found, resolved.digest));
  if (isEmpty(image)) {
    stage.state = stateOf(undefined);
    stage.platform = platform;
    return;
  }
  useImage(stage, platform, conversion);
  reportOtherPlatform({ given, wanted: platform, found: image.platform }, stage, conversion);
}

interface AskedImage {
  readonly given: string;
  readonly platform: Platform;
}

async function resolveImage(stage: StageDraft, { given, platform }: AskedImage, { conversion, means }: BaseMeans, signal: AbortSignal): Promise<ResolvedImage> {
  const { options, stages } = conversion;
  const shownPlatform = options.multiPlatform ? `${formatAllPlatform(platform)} ` : "";
  const logName = `[${shownPlatform}internal] load metadata for ${stage.baseName}`;
  try {
    return await means.gateway.resolveImage(stage.baseName, { platform, resolveMode: options.resolveMode, logName }, signal);
  } catch (error) {
    if (!isFailure(error)) throw error;
    const match = nearest(given, [...stages.shownNames(), ...COMMON_IMAGES], true);
    throw new ConversionError(`${given}: ${error.message}${match === undefined ? "" : ` (did you mean ${match}?)`}`, [], error);
  }
}

/** What a mistyped image is likely to have been. BuildKit's list leaves out the slash of its long names, so these never match. */
const COMMON_IMAGES: readonly string[] = ["alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora"].flatMap((name) => [name, `${name}:latest`]);

function parseConfig({ config }: ResolvedImage): ParsedImage {
  try {
    return parseImage(config);
  } catch (error) {
    if (error instanceof ImageConfigError) throw withPrefix(error, "failed to parse image config");
    throw error;
  }
}

function parseResolved(ref: string): Reference {
  try {
    return parseReference(ref);
  } catch (error) {
    throw withPrefix(error, `failed to parse ref ${quote(ref)}`);
  }
}

/** Where nobody asked for a platform, an image of another one that the worker can run decides. */
function ownPlatform({ platform }: DockerImage, target: Platform, { buildPlatforms }: Conversion): Platform {
  const isImages = ({ os, architecture }: Platform): boolean => os === platform.os && architecture === platform.architecture;
  return isImages(target) ? target : (buildPlatforms.find(isImages) ?? target);
}

/** Old images list no layers, but their history tells. */
function isEmpty({ rootfs, history }: DockerImage): boolean {
  return (rootfs.diffIds ?? []).length === 0 && history.every(({ emptyLayer }) => emptyLayer);
}

function useImage(stage: StageDraft, platform: Platform, conversion: Conversion): void {
  const name = countedName(`FROM ${stage.baseName}`, { stage, isTrigger: false, platform, env: new Map() }, conversion);
  const output = sourceOutput(imageSource(stage.baseName, conversion.options.resolveMode), {
    platform: llbPlatform(platform),
    description: { [COMMAND_DESCRIPTION]: stage.declaration.original, "llb.customname": name },
    locations: locationsOf(conversion, stage.declaration.location),
  });
  stage.state = stateOf(output, llbPlatform(normalizePlatform(platform)));
  stage.platform = platform;
}

interface PlatformPair {
  readonly given: string;
  readonly wanted: Platform;
  readonly found: Platform;
}

function reportOtherPlatform({ given, wanted, found }: PlatformPair, { declaration }: StageDraft, { findings }: Conversion): void {
  if (wanted.os === found.os && wanted.architecture === found.architecture) return;
  const [expected, actual] = [wanted, found].map((platform) => quote(formatAllPlatform(normalizePlatform(platform))));
  findings.add("InvalidBaseImagePlatform", `Base image ${given} was pulled with platform ${actual}, expected ${expected} for current build`, {
    location: declaration.location, comments: [],
  });
}
