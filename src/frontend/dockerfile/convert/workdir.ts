import { withChanges } from "../../../llb/state.ts";
import { llbPlatform } from "../llb-platform.ts";
import { DockerfilePathError, isAbsolutePath, toSlash, workingDirectory } from "../dockerfile-paths.ts";
import { quote } from "../go-text.ts";
import type { WorkdirInstruction } from "../instruction.ts";
import { instructionDetails, type Conversion } from "./conversion.ts";
import { addHistory } from "./history.ts";
import { parseOwner } from "./owner.ts";
import type { Command, StageDraft } from "./stage-draft.ts";
import { countedName, shownInstruction } from "./step-name.ts";

const DIRECTORY_MODE = 0o755;
const NS_PER_SECOND = 1_000_000_000n;

export function convertWorkdir(instruction: WorkdirInstruction, stage: StageDraft, { isTrigger }: Command, conversion: Conversion): void {
  reportRelative(instruction, stage, conversion);
  const directory = enterDirectory(instruction.path, stage);
  const { epochSeconds } = conversion;
  if (directory !== "/") {
    const { env } = stage.state;
    const shown = shownInstruction(instruction.original, env, conversion.wordRules);
    const name = countedName(shown, { stage, isTrigger, platform: stage.platform ?? conversion.targetPlatform, env }, conversion);
    const { user } = stage.image.config;
    const createdNs = epochSeconds === undefined ? undefined : epochSeconds * NS_PER_SECOND;
    const change = { kind: "mkdir", path: directory, mode: DIRECTORY_MODE, makeParents: true, owner: user === "" ? undefined : parseOwner(user), createdNs } as const;
    const details = instructionDetails(conversion, name, instruction.location);
    stage.state = withChanges(stage.state, [change], stage.platform === undefined ? details : { ...details, platform: llbPlatform(stage.platform) });
  }
  addHistory(stage.image, `WORKDIR ${directory}`, directory !== "/", epochSeconds);
}

/** Makes it the working directory of stage and image; returns it with slashes. Throws DockerfilePathError. */
export function enterDirectory(path: string, stage: StageDraft): string {
  const os = stage.platform?.os ?? "linux";
  stage.image.config.workingDir = normalized(stage.image.config.workingDir, path, os);
  const directory = toSlash(stage.image.config.workingDir, os);
  stage.state = { ...stage.state, dir: directory };
  return directory;
}

function normalized(current: string, path: string, os: string): string {
  try {
    return workingDirectory(current, path, os);
  } catch (error) {
    if (error instanceof DockerfilePathError) throw new DockerfilePathError(`normalizing workdir: ${error.message}`);
    throw error;
  }
}

/** Only the first WORKDIR of the file: the others start where that one leads. */
function reportRelative(instruction: WorkdirInstruction, stage: StageDraft, { findings }: Conversion): void {
  const isRelative = !stage.isWorkdirSet && !isAbsolutePath(instruction.path, stage.platform?.os ?? "linux");
  stage.isWorkdirSet = true;
  if (isRelative) findings.add("WorkdirRelativePath", `Relative workdir ${quote(instruction.path)} can have unexpected results if the base image changes`, instruction);
}
