import type { Capabilities, Output, SourceFile, SourceLocation, StepDetails } from "../../../llb/vertex.ts";
import type { Platform } from "../../../oci/platform.ts";
import type { PatternMatcher } from "../../../pattern/pattern-matcher.ts";
import type { BuildOptions } from "../build-options.ts";
import type { Findings } from "../findings.ts";
import type { WordRules } from "../shell-lex.ts";
import type { Range } from "../source-range.ts";
import type { GlobalParameter } from "./parameters.ts";
import type { StageTable } from "./stage-draft.ts";

/** What the conversion of a Dockerfile for one platform knows throughout. */
export interface Conversion {
  readonly options: BuildOptions;
  readonly targetPlatform: Platform;
  /** True where no platform was asked for, so that a base image may decide. */
  readonly isImplicitTarget: boolean;
  readonly buildPlatforms: readonly Platform[];
  /** Names of the build's arguments → values, with SOURCE_DATE_EPOCH resolved. */
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly globalArgs: ReadonlyMap<string, string>;
  /** As in the request. */
  readonly scanArguments: ReadonlyMap<string, string>;
  /** The same as they are declared. */
  readonly globalParameters: ReadonlyMap<string, GlobalParameter>;
  /** SOURCE_DATE_EPOCH; undefined where it is not set. */
  readonly epochSeconds: bigint | undefined;
  readonly wordRules: WordRules;
  readonly findings: Findings;
  readonly stages: StageTable;
  readonly capabilities: Capabilities;
  readonly sourceFile: SourceFile;
  readonly buildContext: Output;
  /** Undefined where nothing is ignored. */
  readonly ignoreMatcher: PatternMatcher | undefined;
  /** Makes an id for steps that are shown as one. */
  readonly newGroupId: () => string;
}

export function locationsOf({ sourceFile }: Conversion, ranges: readonly Range[]): readonly SourceLocation[] {
  return [{ file: sourceFile, ranges }];
}

/** Details of a step that shows one instruction. */
export function instructionDetails(conversion: Conversion, name: string, ranges: readonly Range[]): StepDetails & { readonly description: Readonly<Record<string, string>> } {
  return { description: { "llb.customname": name }, locations: locationsOf(conversion, ranges) };
}

/** Where Dockerfile text of a step is kept beside its name. */
export const COMMAND_DESCRIPTION = "com.docker.dockerfile.v1.command";
