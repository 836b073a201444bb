import { nearest } from "../suggestion.ts";
import { processWord, ShellWordError, type ProcessedWord, type WordRules } from "../shell-lex.ts";
import type { Expander } from "../run-mount.ts";
import type { Instruction } from "../instruction.ts";
import type { Conversion } from "./conversion.ts";
import type { StageDraft } from "./stage-draft.ts";

/** Arguments that steer the build and are no variables of it. */
export const SCAN_ARGS: ReadonlySet<string> = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

/** Fills variables into the words of one instruction, and reports those that are not set. */
export function expanderFor(instruction: Instruction, stage: StageDraft, conversion: Conversion, rules: WordRules): Expander {
  return (word) => {
    try {
      const processed = processWord(word, stage.state.env, rules);
      reportUndefined(instruction, stage, conversion, processed);
      return processed.result;
    } catch (error) {
      if (error instanceof ShellWordError) reportUndefined(instruction, stage, conversion, error);
      throw error;
    }
  };
}

function reportUndefined(instruction: Instruction, stage: StageDraft, { findings }: Conversion, { unmatched }: Pick<ProcessedWord, "unmatched">): void {
  const declared = new Set(stage.buildArgs.map(({ key }) => key));
  for (const name of unmatched) {
    if (declared.has(name) || SCAN_ARGS.has(name)) continue;
    const match = nearest(name, [...stage.state.env.keys()], true);
    findings.add("UndefinedVar", `Usage of undefined variable '$${name}'${match === undefined ? "" : ` (did you mean $${match}?)`}`, instruction);
  }
}
