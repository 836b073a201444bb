import { buildFunctions } from "./build-functions.ts";
import { readDecision, type Decision } from "./decision.ts";
import { GITHUB_RULES } from "./github-rules.ts";
import { OpenObject, UnknownField } from "./open-object.ts";
import { PolicyError } from "./policy-error.ts";
import { compileProgram, type Program, type Source } from "./rego/program.ts";
import { evaluateRule } from "./rego/rego.ts";
import { BuiltinError, RegoError, type Place } from "./rego/rego-error.ts";
import { fromJson, RegoObject, type Value } from "./rego/value.ts";

/** What is told while a policy is asked, in the order of how much it matters. */
export type PolicyLog = (level: "info" | "debug", message: string) => void;

export interface BuildPolicyMeans {
  readonly readFile: (path: string) => Uint8Array | undefined;
  readonly nowNs: bigint;
  readonly log: PolicyLog;
}

/** One source as a policy sees it. */
export interface PolicyInput {
  readonly kind: "image" | "http" | "git" | "local";
  readonly known: Readonly<Record<string, unknown>>;
  /** Members that are looked up only if they are asked for. */
  readonly open: readonly string[];
  /** Members that nobody here can tell, with the reason. */
  readonly untold: Readonly<Record<string, string>>;
}

/** Undefined fields of the input are to be looked up, and the policy asked again; or it has said what it thinks. */
export type PolicyAnswer = { readonly kind: "wants"; readonly field: string } | ({ readonly kind: "decided"; readonly pins: readonly string[] } & Decision);

/** Files that are asked together: they are one program. */
export class BuildPolicy {
  readonly #program: Program;
  readonly #means: BuildPolicyMeans;
  /** Of the evaluation that goes on. */
  #asked: { readonly image: Value | undefined; readonly pins: Set<string> } = { image: undefined, pins: new Set() };

  /** Throws PolicyError for what cannot be read, with the place. */
  constructor(files: readonly Source[], means: BuildPolicyMeans) {
    this.#means = means;
    const functions = buildFunctions({
      readFile: means.readFile,
      // The functions are those of the program, and the input is another each time.
      get image() {
        return asked().image;
      },
      onPin: (digest) => void this.#asked.pins.add(digest),
    });
    const asked = (): { readonly image: Value | undefined } => this.#asked;
    const load = (path: readonly string[]): Source | undefined => {
      const file = `${path.join("/")}.rego`;
      const bytes = means.readFile(file);
      return bytes === undefined ? undefined : { file, text: Buffer.from(bytes).toString("utf8") };
    };
    this.#program = explained(() => compileProgram([{ file: "builtin/github.rego", text: GITHUB_RULES }, ...files], { load, functions }));
  }

  /** What it wants of the builder, before it is asked of any source. */
  capabilities(environment: Readonly<Record<string, unknown>>): ReadonlyMap<string, boolean> {
    return readDecision(this.#evaluate(RegoObject.of([["env", fromJson({ ...environment, capsRequest: true })]]), undefined)).capabilities;
  }

  decide({ kind, known, open, untold }: PolicyInput, environment: Readonly<Record<string, unknown>>): PolicyAnswer {
    const members = Object.entries(known).filter(([, value]) => isSaid(value)).map(([name, value]) => [name, fromJson(value)] as const);
    const source = new OpenObject(kind, members, [...open, ...Object.keys(untold)]);
    try {
      const decision = readDecision(this.#evaluate(RegoObject.of([["env", fromJson(environment)], [kind, source]]), kind === "image" ? source : undefined));
      return { kind: "decided", ...decision, pins: [...this.#asked.pins] };
    } catch (error) {
      if (!(error instanceof UnknownField)) throw error;
      const name = error.field.slice(kind.length + 1);
      const reason = untold[name];
      if (reason !== undefined) throw new PolicyError(`the policy asks for input.${error.field}, which cannot be told: ${reason}`);
      return { kind: "wants", field: name };
    }
  }

  #evaluate(input: Value, image: Value | undefined): Value | undefined {
    this.#asked = { image, pins: new Set() };
    const { nowNs, log } = this.#means;
    return explained(() => evaluateRule(this.#program, ["docker", "decision"], input, {
      nowNs,
      print: (text, place) => log("info", `${placeText(place)}: ${text}`),
      onBuiltinError: (message, place) => log("debug", `${placeText(place)}: ${message}`),
    }));
  }
}

/** As in Go's JSON with `omitempty`: what is empty is not there. */
function isSaid(value: unknown): boolean {
  if (value === undefined || value === "" || value === false) return false;
  return Array.isArray(value) ? value.length > 0 : typeof value !== "object" || value === null || Object.keys(value).length > 0;
}

function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegoError || error instanceof BuiltinError) throw new PolicyError(error.message, { cause: error });
    throw error;
  }
}
