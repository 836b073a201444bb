import { Scrubber } from "../../scrub/scrubber.ts";
import type { InstructionSource } from "../dockerfile/instruction.ts";
import { processWord, ShellWordError } from "../dockerfile/shell-lex.ts";
import type { Observation, Subject } from "./subject.ts";

/** A secret, known by the variable's name or by its own form, that stands in the file. The message never holds it. */
export function secretValue({ parsed }: Subject): readonly Observation[] {
  const rules = { escape: parsed.escape, skipUnsetEnv: true };
  return variablesOf(parsed).flatMap(({ at, key, value }) => {
    const plain = unquoted(value, rules);
    const isSecret = plain !== undefined && new Scrubber().variable(key, plain, key) !== plain;
    return isSecret ? [{ at, message: `${at.name.toUpperCase()} ${key} holds a secret by value` }] : [];
  });
}

interface Variable {
  readonly at: InstructionSource;
  readonly key: string;
  readonly value: string;
}

function variablesOf({ globalArgs, stages }: Subject["parsed"]): readonly Variable[] {
  return [...globalArgs, ...stages.flatMap(({ commands }) => commands)].flatMap((at): readonly Variable[] => {
    if (at.kind === "env") return at.env.map(({ key, value }) => ({ at, key, value }));
    if (at.kind === "arg") return at.args.flatMap(({ key, value }) => (value === undefined ? [] : [{ at, key, value }]));
    return [];
  });
}

function unquoted(value: string, rules: Parameters<typeof processWord>[2]): string | undefined {
  try {
    return processWord(value, new Map(), rules).result;
  } catch (error) {
    // The build says what is wrong with it.
    if (error instanceof ShellWordError) return undefined;
    throw error;
  }
}
