import type { ArgInstruction, Stage } from "./instruction.ts";
import type { Range } from "./source-range.ts";

/** A whole Dockerfile, typed. Nothing is expanded. */
export interface Parsed {
  /** The ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  /** Never empty unless the file has global ARGs only. */
  readonly stages: readonly Stage[];
  /** From `# escape=`; it also is the escape of every word in the file. */
  readonly escape: "\\" | "`";
  /** Each of `# syntax`, `# escape`, `# check` at most once, in order. */
  readonly directives: readonly Directive[];
}

export interface Directive {
  readonly name: "syntax" | "escape" | "check";
  readonly value: string;
  readonly location: readonly Range[];
}

/** Receives findings while parsing; `rule` is BuildKit's name of it, such as `StageNameCasing`. */
export type Warn = (finding: Finding) => void;

export interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly url: string;
  readonly location: readonly Range[];
  /** The comments above the instruction: `check=skip=…` in them silences rules for it. */
  readonly comments: readonly string[];
}
