import type { Instruction, InstructionSource } from "../dockerfile/instruction.ts";
import type { Parsed } from "../dockerfile/parsed.ts";
import type { ContextFiles } from "./context-files.ts";
import type { RunCommand } from "./run-commands.ts";
import type { TextEdit } from "./text-edit.ts";

/** What rules look at. They are pure: what has to be asked for was asked for before. */
export interface Subject {
  readonly parsed: Parsed;
  /** The physical lines of the file, each with its end. */
  readonly lines: readonly string[];
  /** What each RUN runs. */
  readonly commands: ReadonlyMap<Instruction, readonly RunCommand[]>;
  /** Undefined where the context is not known. */
  readonly context: ContextFiles | undefined;
  /** Digests of base images, by the words that name them. */
  readonly pins: ReadonlyMap<string, string>;
}

/** What a rule sees. */
export interface Observation {
  readonly at: InstructionSource;
  /** Holds no value of a secret. */
  readonly message: string;
  /** Undefined where no change is certain to keep the meaning. */
  readonly edits?: readonly TextEdit[];
}

export type Rule = (subject: Subject) => readonly Observation[];

/** The first and last physical line of an instruction, counted from 1. */
export function lineSpan({ location }: InstructionSource): { readonly startLine: number; readonly endLine: number } {
  const startLine = location[0]?.start.line ?? 0;
  return { startLine, endLine: location.at(-1)?.end.line ?? startLine };
}
