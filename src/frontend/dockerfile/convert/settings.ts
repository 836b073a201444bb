import { formatDuration } from "../duration.ts";
import { InstructionError } from "../dockerfile-error.ts";
import type {
  CmdInstruction, EntrypointInstruction, HealthcheckInstruction, MaintainerInstruction, OnbuildInstruction, ShellInstruction, StopsignalInstruction, UserInstruction,
  VolumeInstruction,
} from "../instruction.ts";
import { parseSignal } from "../signal.ts";
import type { Conversion } from "./conversion.ts";
import type { Healthcheck } from "./docker-image.ts";
import { addHistory, plainList, quotedList } from "./history.ts";
import { withShell } from "./shell-form.ts";
import type { OnceOnly, StageDraft } from "./stage-draft.ts";

/** Instructions that change nothing but the image's configuration. */

export function convertCmd(instruction: CmdInstruction, stage: StageDraft, conversion: Conversion): void {
  const { image } = stage;
  image.config.cmd = commandOf(instruction, stage, conversion);
  image.config.argsEscaped = true;
  addHistory(image, `CMD ${quotedList(image.config.cmd)}`, false, conversion.epochSeconds);
}

export function convertEntrypoint(instruction: EntrypointInstruction, stage: StageDraft, conversion: Conversion): void {
  const { image } = stage;
  image.config.entrypoint = commandOf(instruction, stage, conversion);
  // The base's CMD was meant for the base's ENTRYPOINT.
  if (!stage.lastPlaces.has("cmd")) image.config.cmd = [];
  addHistory(image, `ENTRYPOINT ${quotedList(image.config.entrypoint)}`, false, conversion.epochSeconds);
}

function commandOf(instruction: CmdInstruction | EntrypointInstruction, stage: StageDraft, conversion: Conversion): readonly string[] {
  reportRepeated(instruction, stage, conversion);
  const { name, cmdLine, prependShell } = instruction;
  if (prependShell && stage.image.config.shell.length === 0) {
    conversion.findings.add("JSONArgsRecommended", `JSON arguments recommended for ${name} to prevent unintended behavior related to OS signals`, instruction);
  }
  return prependShell ? withShell(stage.image, cmdLine) : cmdLine;
}

/** The finding is about the earlier instruction: it counts for nothing. */
function reportRepeated(instruction: CmdInstruction | EntrypointInstruction | HealthcheckInstruction, stage: StageDraft, { findings }: Conversion): void {
  const kind: OnceOnly = instruction.kind;
  const earlier = stage.lastPlaces.get(kind);
  if (earlier !== undefined) {
    const message = `Multiple ${instruction.name} instructions should not be used in the same stage because only the last one will be used`;
    findings.add("MultipleInstructionsDisallowed", message, { location: earlier, comments: instruction.comments });
  }
  stage.lastPlaces.set(kind, instruction.location);
}

export function convertHealthcheck(instruction: HealthcheckInstruction, stage: StageDraft, conversion: Conversion): void {
  reportRepeated(instruction, stage, conversion);
  stage.image.config.healthcheck = instruction.health;
  addHistory(stage.image, `HEALTHCHECK ${shownHealthcheck(instruction.health)}`, false, conversion.epochSeconds);
}

function shownHealthcheck({ test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries }: Healthcheck): string {
  const durations = [["Interval", intervalNs], ["Timeout", timeoutNs], ["StartPeriod", startPeriodNs], ["StartInterval", startIntervalNs]] as const;
  return `{Test:${plainList(test)} ${durations.map(([name, ns]) => `${name}:${formatDuration(ns)}`).join(" ")} Retries:${retries}}`;
}

export function convertUser({ user }: UserInstruction, stage: StageDraft, conversion: Conversion): void {
  setUser(stage, user);
  addHistory(stage.image, `USER ${user}`, false, conversion.epochSeconds);
}

export function setUser(stage: StageDraft, user: string): void {
  stage.state = { ...stage.state, user };
  stage.image.config.user = user;
}

export function convertVolume({ volumes }: VolumeInstruction, stage: StageDraft, conversion: Conversion): void {
  if (volumes.includes("")) throw new InstructionError("VOLUME specified can not be an empty string");
  stage.image.config.volumes = new Set([...stage.image.config.volumes, ...volumes]);
  addHistory(stage.image, `VOLUME ${plainList(volumes)}`, false, conversion.epochSeconds);
}

export function convertStopsignal({ signal }: StopsignalInstruction, stage: StageDraft, conversion: Conversion): void {
  if (parseSignal(signal) === undefined) throw new InstructionError(`invalid signal: ${signal}`);
  stage.image.config.stopSignal = signal;
  addHistory(stage.image, `STOPSIGNAL ${signal}`, false, conversion.epochSeconds);
}

export function convertShell({ shell }: ShellInstruction, stage: StageDraft, conversion: Conversion): void {
  stage.image.config.shell = shell;
  addHistory(stage.image, `SHELL ${plainList(shell)}`, false, conversion.epochSeconds);
}

export function convertMaintainer({ maintainer }: MaintainerInstruction, stage: StageDraft, conversion: Conversion): void {
  stage.image.author = maintainer;
  addHistory(stage.image, `MAINTAINER ${maintainer}`, false, conversion.epochSeconds);
}

export function convertOnbuild({ expression }: OnbuildInstruction, stage: StageDraft): void {
  stage.image.config.onbuild = [...stage.image.config.onbuild, expression];
}
