import { InvalidReferenceError, parseReference } from "../../../oci/reference.ts";
import type { Findings } from "../findings.ts";
import { quote, toLower, toUpper } from "../go-text.ts";
import type { InstructionSource, Stage } from "../instruction.ts";
import { processWord, ShellWordError, type WordRules } from "../shell-lex.ts";

const RESERVED = new Set(["context", "scratch"]);
/** These findings are about the file as a whole: comments above an instruction do not silence them. */
const NO_COMMENTS: readonly string[] = [];

/** Findings about stages and the case of words, before anything is converted. */
export function checkFile(stages: readonly Stage[], findings: Findings): void {
  checkStageNames(stages, findings);
  checkCasing(stages, findings);
}

function checkStageNames(stages: readonly Stage[], findings: Findings): void {
  const names = new Set<string>();
  for (const { stageName, location } of stages) {
    if (stageName === "") continue;
    const place = { location, comments: NO_COMMENTS };
    if (RESERVED.has(stageName)) findings.add("ReservedStageName", `Stage name should not use the same name as reserved stage ${quote(stageName)}`, place);
    if (names.has(stageName)) findings.add("DuplicateStageName", `Duplicate stage name ${quote(stageName)}, stage names should be unique`, place);
    names.add(stageName);
  }
}

/** The case of most words is the right one. */
function checkCasing(stages: readonly Stage[], findings: Findings): void {
  const words: readonly InstructionSource[] = stages.flatMap((stage) => [stage, ...stage.commands]);
  const lower = words.filter(({ name }) => name === toLower(name)).length;
  const upper = words.filter(({ name }) => name !== toLower(name) && name === toUpper(name)).length;
  const isLower = lower > upper;
  const right = isLower ? toLower : toUpper;
  for (const { name, location } of words) {
    if (name === right(name)) continue;
    const message = `Command '${name}' should match the case of the command majority (${isLower ? "lowercase" : "uppercase"})`;
    findings.add("ConsistentInstructionCasing", message, { location, comments: NO_COMMENTS });
  }
}

/** Reports base images whose names are wrong where no build argument is given. */
export function checkDefaultBases(stages: readonly Stage[], args: ReadonlyMap<string, string>, rules: WordRules, findings: Findings): void {
  for (const { baseName, location } of stages) {
    const name = expandQuietly(baseName, args, rules);
    if (name === undefined) return;
    if (isReference(name)) continue;
    findings.add("InvalidDefaultArgInFrom", `Default value for ARG ${baseName} results in empty or invalid base image name`, { location, comments: NO_COMMENTS });
  }
}

function expandQuietly(word: string, args: ReadonlyMap<string, string>, rules: WordRules): string | undefined {
  try {
    return processWord(word, args, rules).result;
  } catch (error) {
    if (error instanceof ShellWordError) return undefined;
    throw error;
  }
}

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return false;
    throw error;
  }
}
