import { formatAllPlatform, InvalidPlatformError, normalizePlatform, parsePlatform, type Platform } from "../../../oci/platform.ts";
import { toUpper } from "../go-text.ts";
import { processWord, ShellWordError, type EnvLookup, type WordRules } from "../shell-lex.ts";
import type { Conversion } from "./conversion.ts";
import type { Command, StageDraft } from "./stage-draft.ts";

/** The instruction as it is shown: its first word in capitals, variables filled in where they can be. */
export function shownInstruction(text: string, env: EnvLookup, rules: WordRules): string {
  const expanded = expandOrKeep(text, env, rules);
  const space = expanded.indexOf(" ");
  return space === -1 ? toUpper(expanded) : toUpper(expanded.slice(0, space)) + expanded.slice(space);
}

function expandOrKeep(text: string, env: EnvLookup, rules: WordRules): string {
  try {
    return processWord(text, env, rules).result;
  } catch (error) {
    if (error instanceof ShellWordError) return text;
    throw error;
  }
}

/** What a name begins with is said of. */
export interface NamedStep {
  readonly stage: StageDraft;
  readonly isTrigger: Command["isTrigger"];
  /** Undefined where the state has none. */
  readonly platform: Platform | undefined;
  readonly env: ReadonlyMap<string, string>;
}

/** The name with `[platform stage 2/5]` before it, where 2 is the number of this step: it counts the step. */
export function countedName(text: string, step: NamedStep, conversion: Conversion): string {
  step.stage.stepIndex++;
  return numberedName(text, step, conversion);
}

/** The same for a step that has been counted already. */
export function numberedName(text: string, { stage, isTrigger, platform, env }: NamedStep, { options, targetPlatform }: Conversion): string {
  if (stage.stepTotal === 0) return text;
  const total = String(stage.stepTotal);
  const shownPlatform = options.multiPlatform && platform !== undefined ? `${formatAllPlatform(platform)}${crossTarget(platform, env, targetPlatform)} ` : "";
  const shownStage = stage.shownName === "" ? "" : `${stage.shownName} `;
  return `[${shownPlatform}${shownStage}${String(stage.stepIndex).padStart(total.length)}/${total}] ${isTrigger ? "ONBUILD " : ""}${text}`;
}

/** `->arm64` where the step builds for another platform than it runs on, as its variables say. */
function crossTarget(base: Platform, env: ReadonlyMap<string, string>, host: Platform): string {
  const named = targetOf(env, host);
  if (named === undefined) return "";
  const target = normalizePlatform({ ...named, os: named.os || base.os, architecture: named.architecture || base.architecture });
  if (target.os !== base.os) return `->${formatAllPlatform(target)}`;
  if (target.architecture === base.architecture) return "";
  return `->${target.architecture}${target.variant === undefined ? "" : `/${target.variant}`}`;
}

/** The first of TARGETPLATFORM and the like decides whether the whole or the parts are read. */
function targetOf(env: ReadonlyMap<string, string>, host: Platform): Platform | undefined {
  const target: { os: string; architecture: string; variant?: string } = { os: "", architecture: "" };
  let isNamed = false;
  for (const [key, value] of env) {
    const whole = key === "TARGETPLATFORM" ? parseOrNone(value, host) : undefined;
    if (whole !== undefined) return whole;
    if (key === "TARGETOS") target.os = value;
    else if (key === "TARGETARCH") target.architecture = value;
    else if (key === "TARGETVARIANT") target.variant = value;
    else continue;
    isNamed = true;
  }
  return isNamed ? target : undefined;
}

function parseOrNone(text: string, host: Platform): Platform | undefined {
  try {
    return parsePlatform(text, host);
  } catch (error) {
    if (error instanceof InvalidPlatformError) return undefined;
    throw error;
  }
}
