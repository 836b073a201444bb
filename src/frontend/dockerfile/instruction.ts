import type { RunMount } from "./run-mount.ts";
import type { Range } from "./source-range.ts";

/**
 * One instruction of a stage, as BuildKit types it. Nothing is expanded yet: `expandInstruction`
 * applies the variables. All texts are source texts (see source-text.ts): a byte that is not UTF-8
 * stands in them as a lone surrogate.
 */
export type Instruction =
  | AddInstruction
  | ArgInstruction
  | CmdInstruction
  | CopyInstruction
  | EntrypointInstruction
  | EnvInstruction
  | ExposeInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | RunInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction;

/** What every instruction carries of its source. */
export interface InstructionSource {
  /** The word as it was written, such as `RUN` or `run`. */
  readonly name: string;
  /** The trimmed logical line, continuations joined, heredoc bodies left out: what custom names show. */
  readonly original: string;
  /** One range for each physical line, heredoc bodies included. */
  readonly location: readonly Range[];
  /** The comment lines directly above, without `#`. */
  readonly comments: readonly string[];
}

export interface AddInstruction extends InstructionSource, SourcesAndDest {
  readonly kind: "add";
  readonly chown: string;
  readonly chmod: string;
  readonly link: boolean;
  readonly exclude: readonly string[];
  readonly checksum: string;
  /** Undefined when the flag is absent. */
  readonly keepGitDir: boolean | undefined;
  /** Undefined when the flag is absent. */
  readonly unpack: boolean | undefined;
}

export interface CopyInstruction extends InstructionSource, SourcesAndDest {
  readonly kind: "copy";
  readonly from: string;
  readonly chown: string;
  readonly chmod: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
}

export interface SourcesAndDest {
  readonly dest: string;
  /** Paths and URLs, in order, heredocs left out. */
  readonly sources: readonly string[];
  /** The heredocs among the sources, in order. */
  readonly contents: readonly SourceContent[];
}

/** A file whose content stands in the Dockerfile. */
export interface SourceContent {
  readonly path: string;
  /** Leading tabs are taken off already where `<<-` asks for it. */
  readonly data: string;
  /** False when the delimiter is quoted: the content is taken as it stands. */
  readonly expand: boolean;
}

export interface ArgInstruction extends InstructionSource {
  readonly kind: "arg";
  readonly args: readonly ArgPair[];
}

export interface ArgPair {
  readonly key: string;
  /** Undefined for `ARG name` without a default. */
  readonly value: string | undefined;
  /** The comment line above that starts with the name, without it. */
  readonly docComment: string;
}

export interface EnvInstruction extends InstructionSource {
  readonly kind: "env";
  readonly env: readonly KeyValue[];
}

export interface LabelInstruction extends InstructionSource {
  readonly kind: "label";
  readonly labels: readonly KeyValue[];
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** True for the old form `ENV key value`. */
  readonly noDelim: boolean;
}

/** A command line in JSON form, or in shell form with a shell to be put before it. */
export interface ShellDependentCommand {
  /** JSON form: the arguments. Shell form: one text, or none. */
  readonly cmdLine: readonly string[];
  readonly files: readonly InlineFile[];
  /** True in shell form. */
  readonly prependShell: boolean;
}

/** A heredoc of RUN. `data` is as written; `chomp` says that leading tabs are to be taken off. */
export interface InlineFile {
  readonly name: string;
  readonly data: string;
  readonly chomp: boolean;
}

export interface RunInstruction extends InstructionSource, ShellDependentCommand {
  readonly kind: "run";
  /** The values of `--mount` as written; they can hold variables. */
  readonly mountFlags: readonly string[];
  /** The mounts; before `expandInstruction` only `from` is read of each, as in BuildKit. */
  readonly mounts: readonly RunMount[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  readonly devices: readonly RunDevice[];
  /** Names of the flags that were given, sorted. */
  readonly flagsUsed: readonly string[];
}

export interface RunDevice {
  readonly name: string;
  readonly required: boolean;
}

export interface CmdInstruction extends InstructionSource, ShellDependentCommand {
  readonly kind: "cmd";
}

export interface EntrypointInstruction extends InstructionSource, ShellDependentCommand {
  readonly kind: "entrypoint";
}

export interface ExposeInstruction extends InstructionSource {
  readonly kind: "expose";
  /** As written, sorted by bytes; they can hold variables that expand to several words. */
  readonly ports: readonly string[];
}

export interface HealthcheckInstruction extends InstructionSource {
  readonly kind: "healthcheck";
  readonly health: HealthcheckConfig;
}

/** Durations in nanoseconds; 0 where none is given. */
export interface HealthcheckConfig {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`. */
  readonly test: readonly string[];
  readonly intervalNs: bigint;
  readonly timeoutNs: bigint;
  readonly startPeriodNs: bigint;
  readonly startIntervalNs: bigint;
  readonly retries: number;
}

export interface MaintainerInstruction extends InstructionSource {
  readonly kind: "maintainer";
  readonly maintainer: string;
}

export interface OnbuildInstruction extends InstructionSource {
  readonly kind: "onbuild";
  /** The instruction to be run later, with its heredocs, as one text. */
  readonly expression: string;
}

export interface ShellInstruction extends InstructionSource {
  readonly kind: "shell";
  readonly shell: readonly string[];
}

export interface StopsignalInstruction extends InstructionSource {
  readonly kind: "stopsignal";
  readonly signal: string;
}

export interface UserInstruction extends InstructionSource {
  readonly kind: "user";
  readonly user: string;
}

export interface VolumeInstruction extends InstructionSource {
  readonly kind: "volume";
  readonly volumes: readonly string[];
}

export interface WorkdirInstruction extends InstructionSource {
  readonly kind: "workdir";
  readonly path: string;
}

/** A FROM line with all that follows it. `name` is FROM as it was written. */
export interface Stage extends InstructionSource {
  readonly kind: "from";
  /** In lower case; empty when the stage has none. */
  readonly stageName: string;
  /** Image or stage; it can hold variables. */
  readonly baseName: string;
  /** Value of `--platform`; empty when absent. */
  readonly platform: string;
  /** The comment line above that starts with the stage's name, without it. */
  readonly docComment: string;
  readonly commands: readonly Instruction[];
}
