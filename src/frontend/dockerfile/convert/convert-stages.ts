import { parseBool } from "../go-text.ts";
import { resolveBase, useScratch, type BaseMeans } from "./base-image.ts";
import { addTriggers } from "./commands.ts";
import { located } from "./conversion-error.ts";
import type { Platform } from "../../../oci/platform.ts";
import type { Conversion } from "./conversion.ts";
import { convertInstruction } from "./convert-instruction.ts";
import { DEFAULT_PATH } from "./docker-image.ts";
import { setUser } from "./settings.ts";
import type { StageDraft } from "./stage-draft.ts";
import { enterDirectory } from "./workdir.ts";
import { cut } from "../go-text.ts";
import { withEnv } from "../../../llb/state.ts";

/** Finds the bases of all that the target needs, or of all that there are. Triggers of a base image can need more, and so on; only those of what the target needs are pulled. */
export async function resolveStages(target: StageDraft, stages: "target" | "all", { conversion, means }: BaseMeans, signal: AbortSignal): Promise<ReadonlySet<StageDraft>> {
  for (;;) {
    const reachable = target.reachable();
    await resolveBases(stages === "all" ? new Set(conversion.stages.all) : reachable, { conversion, means }, signal);
    const inOrder = conversion.stages.all.filter((stage) => reachable.has(stage));
    const hasNew = inOrder.map((stage) => takeTriggers(stage, conversion)).includes(true);
    if (!hasNew) return reachable;
  }
}

async function resolveBases(reachable: ReadonlySet<StageDraft>, { conversion, means }: BaseMeans, signal: AbortSignal): Promise<void> {
  const pending = conversion.stages.all.filter(({ base, isConverted, isResolved }) => base === undefined && !isConverted && !isResolved);
  const results = await Promise.allSettled(
    pending.map(async (stage) => {
      stage.isResolved = reachable.has(stage);
      if (stage.baseName === "scratch" && stage.namedContext === undefined) useScratch(stage, conversion);
      else await resolveBase(stage, stage.isResolved, { conversion, means }, signal);
    }),
  );
  // One order for all runs, and BuildKit's: Go looks at what was started last first, then at the others in order.
  const failed = [...results.slice(-1), ...results].find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function takeTriggers(stage: StageDraft, conversion: Conversion): boolean {
  stage.inherit();
  const expressions = [...stage.image.config.onbuild];
  if (stage.base !== undefined && !stage.hasBaseTriggers) {
    expressions.push(...stage.base.commands.flatMap(({ instruction }) => (instruction.kind === "onbuild" ? [instruction.expression] : [])));
    stage.hasBaseTriggers = true;
  }
  if (expressions.length === 0) return false;
  stage.image.config.onbuild = [];
  return addTriggers(expressions, stage, conversion);
}

/**
 * Converts what the target needs, in the order of the file. Throws ConversionError. `all` is for a look at every stage: there
 * BuildKit also looks into those that a context stands for.
 */
export function convertStages(reachable: ReadonlySet<StageDraft> | "all", target: StageDraft, conversion: Conversion): void {
  for (const stage of conversion.stages.all) {
    if (reachable === "all" || (reachable.has(stage) && !stage.isConverted)) convertStage(stage, conversion);
  }
  // All of the result is used.
  target.paths.add("/");
}

/** Of a stage on a context that tells none, while its steps are made: BuildKit fills in the target's when they are. */
const NO_PLATFORM: Platform = { os: "", architecture: "" };

function convertStage(stage: StageDraft, conversion: Conversion): void {
  stage.inherit();
  stage.isConverted = true;
  const hasPlatform = stage.platform !== undefined;
  stage.platform ??= NO_PLATFORM;
  located(stage.declaration.location, () => takeImageSettings(stage, conversion));
  for (const command of stage.commands) located(command.instruction.location, () => convertInstruction(command, stage, conversion));
  if (!hasPlatform) stage.platform = conversion.targetPlatform;
  stage.scansContext = isScanned("BUILDKIT_SBOM_SCAN_CONTEXT", stage, conversion);
  stage.scansStage = isScanned("BUILDKIT_SBOM_SCAN_STAGE", stage, conversion);
}

/** What the base image says becomes what the first step starts with. */
function takeImageSettings(stage: StageDraft, { options }: Conversion): void {
  const { config } = stage.image;
  if (!config.env.some((variable) => cut(variable, "=").before === "PATH") && stage.platform?.os !== "windows") config.env = [...config.env, DEFAULT_PATH];
  for (const variable of config.env) {
    const { before, after } = cut(variable, "=");
    stage.state = withEnv(stage.state, before, after);
  }
  if (options.hostname !== "") stage.state = { ...stage.state, hostname: options.hostname };
  if (config.workingDir !== "") enterDirectory(config.workingDir, stage);
  if (config.user !== "") setUser(stage, config.user);
  stage.state = { ...stage.state, network: options.network };
}

/** A boolean, or a list of stages. The last ARG of the name wins over the global one, and that over what was only asked for. */
function isScanned(name: string, { shownName, buildArgs }: StageDraft, { globalArgs, scanArguments }: Conversion): boolean {
  const value = buildArgs.findLast(({ key, value: given }) => key === name && given !== undefined)?.value ?? globalArgs.get(name) ?? scanArguments.get(name);
  return value !== undefined && (parseBool(value) ?? value.split(",").includes(shownName));
}
