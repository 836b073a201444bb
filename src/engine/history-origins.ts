import { expandedSource } from "../frontend/dockerfile/convert/history.ts";
import type { HistoryOrigin } from "../frontend/dockerfile/convert/docker-image.ts";
import { DockerfileError } from "../frontend/dockerfile/dockerfile-error.ts";
import type { Instruction, Stage } from "../frontend/dockerfile/instruction.ts";
import { parseDockerfile } from "../frontend/dockerfile/stages.ts";
import type { HistoryEntry, ImageConfig } from "../oci/image-config.ts";
import { HistoryReader } from "./history-text.ts";

const FRONTEND_COMMENT = "buildkit.dockerfile.v0";

export interface ToldHistory {
  readonly config: Uint8Array;
  /** The file that the frontend's lines are of; undefined where it told none. */
  readonly source: Uint8Array | undefined;
  /** Name or number of the stage that was asked for; empty for the last one. */
  readonly target: string;
}

/**
 * Where the entries come from of a history that a frontend in a container wrote, read from their words. They have lines where the file is
 * a Dockerfile of which each instruction of the stage is an entry, and in that order; else nobody can say, and none has.
 */
export function readOrigins({ config, source, target }: ToldHistory): ReadonlyArray<HistoryOrigin | undefined> {
  // Made by a frontend, and looked at by whoever exports it.
  const history = (JSON.parse(Buffer.from(config).toString("utf8")) as ImageConfig).history ?? [];
  const instructions = source === undefined ? [] : instructionsOf(source, target);
  const first = history.length - instructions.length;
  const isTold = first >= 0 && instructions.every((instruction, i) => isOf(history[first + i], instruction));
  const reader = new HistoryReader();
  return history.map((entry, i): HistoryOrigin | undefined => {
    const read = reader.read(entry.created_by ?? "");
    const instruction = isTold ? instructions[i - first] : undefined;
    if (instruction !== undefined) return { ...read, withoutArgs: expandedSource(instruction) ?? read.withoutArgs, location: instruction.location };
    // What a frontend of this kind made before, as of a base or of a trigger, is counted as its own.
    return entry.comment === FRONTEND_COMMENT ? { ...read, location: [] } : undefined;
  });
}

function isOf(entry: HistoryEntry | undefined, { kind }: Instruction): boolean {
  return entry?.comment === FRONTEND_COMMENT && entry.created_by?.split(" ", 1)[0] === kind.toUpperCase();
}

/** Those that leave an entry: of the stage, behind those of the stages that it stands on. */
function instructionsOf(source: Uint8Array, target: string): readonly Instruction[] {
  const stages = stagesOf(source);
  const at = target === "" ? stages.length - 1 : stages.findIndex(({ stageName }, i) => stageName === target.toLowerCase() || String(i) === target);
  const chain: Stage[] = [];
  for (let i = at; i >= 0; ) {
    const stage = stages[i];
    if (stage === undefined) break;
    chain.unshift(stage);
    i = stages.slice(0, i).findLastIndex(({ stageName }) => stageName !== "" && stageName === stage.baseName.toLowerCase());
  }
  return chain.flatMap(({ commands }) => commands).filter(({ kind }) => kind !== "onbuild");
}

/** A file of another language has none. */
function stagesOf(source: Uint8Array): readonly Stage[] {
  try {
    return parseDockerfile(source).stages;
  } catch (error) {
    if (error instanceof DockerfileError) return [];
    throw error;
  }
}
