import { withEnv } from "../../../llb/state.ts";
import { cut, quote } from "../go-text.ts";
import type { ArgInstruction, ArgPair, EnvInstruction, KeyValue, LabelInstruction } from "../instruction.ts";
import type { Expander } from "../run-mount.ts";
import type { HistoryPart } from "./docker-image.ts";
import { addHistory, pairParts, plainText } from "./history.ts";
import type { Conversion } from "./conversion.ts";
import type { StageDraft } from "./stage-draft.ts";
import { SCAN_ARGS } from "./words.ts";

export function convertEnv(instruction: EnvInstruction, stage: StageDraft, conversion: Conversion): void {
  for (const pair of instruction.env) {
    reportLegacyForm(pair, instruction, conversion);
    reportSecret("ENV", pair.key, instruction, conversion);
    stage.state = withEnv(stage.state, pair.key, pair.value);
    stage.image.config.env = withVariable(stage.image.config.env, pair.key, pair.value);
  }
  addHistory(stage.image, plainText(["ENV ", ...pairParts(instruction.env)]), false, conversion.epochSeconds);
}

export function convertLabel(instruction: LabelInstruction, stage: StageDraft, conversion: Conversion): void {
  for (const pair of instruction.labels) reportLegacyForm(pair, instruction, conversion);
  const pairs = instruction.labels.map(({ key, value }) => [key, value] as const);
  stage.image.config.labels = new Map([...stage.image.config.labels, ...pairs]);
  addHistory(stage.image, plainText(["LABEL ", ...pairParts(instruction.labels)]), false, conversion.epochSeconds);
}

/** A build argument wins over the default, and that over a global argument of the name. */
export function convertArg(instruction: ArgInstruction, stage: StageDraft, conversion: Conversion, expand: Expander): void {
  const shown = instruction.args.map((arg): HistoryPart => {
    reportSecret("ARG", arg.key, instruction, conversion);
    const value = argValue(arg, conversion, expand);
    if (value !== undefined && !SCAN_ARGS.has(arg.key)) stage.state = withEnv(stage.state, arg.key, value);
    stage.buildArgs.push({ ...arg, value });
    stage.parameters.used.add(arg.key);
    // One that only repeats a global argument is that argument.
    const isGlobal = arg.value === undefined && !conversion.buildArgs.has(arg.key) && value !== undefined;
    if (!isGlobal) stage.parameters.args.set(arg.key, { name: arg.key, description: arg.docComment, value: value ?? "", location: instruction.location });
    return value === undefined ? arg.key : { name: arg.key, value };
  });
  const parts = shown.flatMap((part, i) => (i === 0 ? [part] : [" ", part]));
  addHistory(stage.image, { parts: ["ARG ", ...parts], withoutArgs: `ARG ${instruction.args.map(({ key }) => key).join(" ")}` }, false, conversion.epochSeconds);
}

function argValue({ key, value }: ArgPair, { buildArgs, globalArgs }: Conversion, expand: Expander): string | undefined {
  const given = buildArgs.get(key);
  if (given !== undefined) return given;
  return value === undefined ? globalArgs.get(key) : expand(value);
}

/** The variable in its old place, or at the end. */
function withVariable(env: readonly string[], key: string, value: string): readonly string[] {
  const at = env.findIndex((variable) => cut(variable, "=").before === key);
  return at === -1 ? [...env, `${key}=${value}`] : env.with(at, `${key}=${value}`);
}

function reportLegacyForm({ noDelim }: KeyValue, instruction: EnvInstruction | LabelInstruction, { findings }: Conversion): void {
  if (!noDelim) return;
  const { name } = instruction;
  findings.add("LegacyKeyValueFormat", `"${name} key=value" should be used instead of legacy "${name} key value" format`, instruction);
}

const SECRET_WORDS = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const HARMLESS_WORDS = /(?:_|^)(?:public|file|version)(?:_|$)/i;

function reportSecret(kind: "ARG" | "ENV", key: string, instruction: ArgInstruction | EnvInstruction, { findings }: Conversion): void {
  if (!SECRET_WORDS.test(key) || HARMLESS_WORDS.test(key)) return;
  findings.add("SecretsUsedInArgOrEnv", `Do not use ARG or ENV instructions for sensitive data (${kind} ${quote(key)})`, instruction);
}
