import { OpenObject } from "./open-object.ts";
import { PolicyError } from "./policy-error.ts";
import { stringOf } from "./rego/builtin-table.ts";
import type { Builtin } from "./rego/builtins.ts";
import { parseJson } from "./rego/builtins-encoding.ts";
import { BuiltinError } from "./rego/rego-error.ts";
import { RegoObject, type Value } from "./rego/value.ts";

/** What one evaluation has beside the language. */
export interface FunctionMeans {
  /** Of the context, or `cwd://…`. Undefined where it is not there. */
  readonly readFile: (path: string) => Uint8Array | undefined;
  /** `input.image`, where the source is one. */
  readonly image: Value | undefined;
  /** Told of each digest that an image is to be held to. */
  readonly onPin: (digest: string) => void;
}

/** Who signed something cannot be told here; to say "no" would be as untrue as to say "yes", and `not` would make it one. */
const UNVERIFIABLE: Readonly<Record<string, number>> = { verify_git_signature: 2, verify_http_pgp_signature: 3, artifact_attestation: 2, github_attestation: 2 };

/** buildx's functions for policies of builds. */
export function buildFunctions(means: FunctionMeans): ReadonlyMap<string, Builtin> {
  return new Map<string, Builtin>([
    ["load_json", { arity: 1, run: ([path]) => loadJson(stringOf(path), means) }],
    ["pin_image", { arity: 2, run: ([image, digest]) => pinImage(image, stringOf(digest), means) }],
    ["print", { arity: "any", run: () => true }],
    ...Object.entries(UNVERIFIABLE).map(([name, arity]): [string, Builtin] => [name, {
      arity,
      run() {
        throw new PolicyError(`the policy calls ${name}, which is not supported: signatures are not verified in a build`);
      },
    }]),
  ]);
}

function loadJson(path: string, { readFile }: FunctionMeans): Value {
  const bytes = readFile(path);
  if (bytes === undefined) throw new BuiltinError(`failed opening file ${JSON.stringify(path)}`);
  return parseJson(Buffer.from(bytes).toString("utf8"));
}

function pinImage(given: Value | undefined, digest: string, { image, onPin }: FunctionMeans): boolean {
  if (!(image instanceof RegoObject)) return false;
  // What is not known yet of it need not be, to tell that it is the same.
  if (given !== image && !(given instanceof RegoObject && !(given instanceof OpenObject) && given.get("ref") === image.get("ref"))) throw new BuiltinError("first argument is not the same as input image");
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new BuiltinError(`invalid digest ${digest}`);
  onPin(digest);
  return true;
}
