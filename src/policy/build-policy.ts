import { buildFunctions, type AskedAbout, type VerifySignature } from "./build-functions.ts";
import { readDecision, type Decision } from "./decision.ts";
import { GITHUB_RULES } from "./github-rules.ts";
import { inputObject, type PolicyInput } from "./input-value.ts";
import { UnknownField } from "./open-object.ts";
import { PolicyError } from "./policy-error.ts";
import { compileProgram, type Program, type Source } from "./rego/program.ts";
import { evaluateRule } from "./rego/rego.ts";
import { BuiltinError, RegoError, type Place } from "./rego/rego-error.ts";
import { fromJson, RegoObject, type Value } from "./rego/value.ts";

/** What is told while a policy is asked, in the order of how much it matters. */
export type PolicyLog = (level: "info" | "debug", message: string) => void;

export interface BuildPolicyMeans {
  /** A module that is imported. */
  readonly readModule: (path: string) => Uint8Array | undefined;
  readonly readFile: (path: string) => Uint8Array | undefined;
  readonly nowNs: bigint;
  readonly log: PolicyLog;
}

/** A member of the input is to be looked up, and the policy asked again; or it has said what it thinks. */
export type PolicyAnswer = { readonly kind: "wants"; readonly field: string } | ({ readonly kind: "decided"; readonly pins: readonly string[] } & Decision);

/** What is asked of a policy. */
export interface PolicyQuestion {
  readonly input: PolicyInput;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly verify: VerifySignature;
}

/** Files that are asked together: they are one program. */
export class BuildPolicy {
  readonly #program: Program;
  readonly #means: BuildPolicyMeans;
  /** Of the evaluation that goes on: the functions are those of the program, and the input is another each time. */
  #asked: AskedAbout = NOTHING;

  /** Throws PolicyError for what cannot be read, with the place. */
  constructor(files: readonly Source[], means: BuildPolicyMeans) {
    this.#means = means;
    this.#program = compilePolicies(files, means, () => this.#asked);
  }

  /** What it wants of the builder, before it is asked of any source. */
  capabilities(environment: Readonly<Record<string, unknown>>): ReadonlyMap<string, boolean> {
    const input = RegoObject.of([["env", fromJson({ ...environment, depth: 0, capsRequest: true })]]);
    return readDecision(this.#evaluate({ ...NOTHING, input, pins: new Set() })).capabilities;
  }

  decide({ input, environment, verify }: PolicyQuestion): PolicyAnswer {
    const asked = { input: inputObject({ input, depth: 0 }, environment, ""), signed: input.signed, verify, pins: new Set<string>() };
    try {
      return { kind: "decided", ...readDecision(this.#evaluate(asked)), pins: [...asked.pins] };
    } catch (error) {
      if (!(error instanceof UnknownField)) throw error;
      return { kind: "wants", field: error.field };
    }
  }

  #evaluate(asked: AskedAbout): Value | undefined {
    this.#asked = asked;
    const { nowNs, log } = this.#means;
    return explained(() => evaluateRule(this.#program, ["docker", "decision"], asked.input, {
      nowNs,
      print: (text, place) => log("info", `${placeText(place)}: ${text}`),
      onBuiltinError: (message, place) => log("debug", `${placeText(place)}: ${message}`),
    }));
  }
}

/** One program of these, buildx's own rules, and what they import. Throws PolicyError for what cannot be read, with the place. */
export function compilePolicies(files: readonly Source[], { readModule, readFile }: Pick<BuildPolicyMeans, "readModule" | "readFile">, asked: () => AskedAbout): Program {
  const load = (path: readonly string[]): Source | undefined => {
    const file = `${path.join("/")}.rego`;
    const bytes = readModule(file);
    return bytes === undefined ? undefined : { file, text: Buffer.from(bytes).toString("utf8") };
  };
  return explained(() => compileProgram([{ file: "builtin/github.rego", text: GITHUB_RULES }, ...files], { load, functions: buildFunctions({ readFile, asked }) }));
}

export const NOTHING: AskedAbout = {
  input: RegoObject.of([]), signed: new Map(), pins: new Set(),
  verify() {
    throw new BuiltinError("there is no source whose signature could be verified");
  },
};

function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** Errors of the language are the policy's. */
export function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegoError || error instanceof BuiltinError) throw new PolicyError(error.message, { cause: error });
    throw error;
  }
}
