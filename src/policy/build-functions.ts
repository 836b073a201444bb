import { OpenObject } from "./open-object.ts";
import type { SignedBytes } from "./input-value.ts";
import { stringOf } from "./rego/builtin-table.ts";
import type { Builtin } from "./rego/builtins.ts";
import { parseJson } from "./rego/builtins-encoding.ts";
import { BuiltinError } from "./rego/rego-error.ts";
import { fromJson, isEqual, RegoObject, type Value } from "./rego/value.ts";

/** Something that is said to be signed. Files come as they are. */
export type SignatureQuestion =
  | { readonly kind: "git"; readonly object: SignedBytes; readonly key: Uint8Array }
  | { readonly kind: "http"; readonly signature: Uint8Array; readonly keys: Uint8Array }
  | { readonly kind: "artifact"; readonly bundle: Uint8Array }
  /** Of what GitHub has in that repository. */
  | { readonly kind: "github"; readonly repository: string };

/** What is to be told of a signature that holds. Throws BuiltinError where none does, and PolicyError where that cannot be told. */
export type VerifySignature = (question: SignatureQuestion) => unknown;

/** The source that is asked about. */
export interface AskedAbout {
  readonly input: Value;
  readonly signed: ReadonlyMap<"commit" | "tag", SignedBytes>;
  readonly verify: VerifySignature;
  /** Digests that an image is to be held to. */
  readonly pins: Set<string>;
}

/** What one evaluation has beside the language. */
export interface FunctionMeans {
  /** Of the context, or `cwd://…`. Undefined where it is not there. */
  readonly readFile: (path: string) => Uint8Array | undefined;
  readonly asked: () => AskedAbout;
}

/** buildx's functions for policies of builds. */
export function buildFunctions(means: FunctionMeans): ReadonlyMap<string, Builtin> {
  return new Map<string, Builtin>([
    ["load_json", { arity: 1, run: ([path]) => loadJson(stringOf(path), means) }],
    ["pin_image", { arity: 2, run: ([image, digest]) => pinImage(image, stringOf(digest), means) }],
    ["verify_git_signature", { arity: 2, run: ([object, path]) => verifyGit(object, stringOf(path), means) }],
    ["verify_http_pgp_signature", { arity: 3, run: ([http, signature, keys]) => verifyHttp(http, [stringOf(signature), stringOf(keys)], means) }],
    ["artifact_attestation", { arity: 2, run: ([http, path]) => attestation(http, () => ({ kind: "artifact", bundle: needFile(stringOf(path), means) }), means) }],
    ["github_attestation", { arity: 2, run: ([http, repository]) => attestation(http, () => ({ kind: "github", repository: stringOf(repository) }), means) }],
    ["print", { arity: "any", run: () => true }],
  ]);
}

function needFile(path: string, { readFile }: FunctionMeans): Uint8Array {
  const bytes = readFile(path);
  if (bytes === undefined) throw new BuiltinError(`failed opening file ${JSON.stringify(path)}`);
  return bytes;
}

function loadJson(path: string, means: FunctionMeans): Value {
  return parseJson(Buffer.from(needFile(path, means)).toString("utf8"));
}

/** The source, where it is of that kind. */
function sourceOf(kind: string, { asked }: FunctionMeans): RegoObject | undefined {
  const { input } = asked();
  const source = input instanceof RegoObject ? input.get(kind) : undefined;
  return source instanceof RegoObject ? source : undefined;
}

/** What is not known yet of it need not be, to tell that it is the same. */
function isSame(given: Value | undefined, source: RegoObject, name: string): boolean {
  return given === source || (given instanceof RegoObject && !(given instanceof OpenObject) && given.get(name) === source.get(name));
}

function pinImage(given: Value | undefined, digest: string, means: FunctionMeans): boolean {
  const image = sourceOf("image", means);
  if (image === undefined) return false;
  if (!isSame(given, image, "ref")) throw new BuiltinError("first argument is not the same as input image");
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new BuiltinError(`invalid digest ${digest}`);
  means.asked().pins.add(digest);
  return true;
}

function verifyGit(given: Value | undefined, path: string, means: FunctionMeans): boolean {
  const git = sourceOf("git", means);
  if (git === undefined) return false;
  const { signed, verify } = means.asked();
  const which = (["commit", "tag"] as const).find((name) => {
    const object = git.get(name);
    return object !== undefined && given !== undefined && isEqual(given, object);
  });
  if (which === undefined) throw new BuiltinError("object is neither commit nor tag");
  const key = needFile(path, means);
  const object = signed.get(which);
  if (object === undefined) throw new BuiltinError("git object is not signed");
  verify({ kind: "git", object, key });
  return true;
}

function verifyHttp(given: Value | undefined, [signature, keys]: readonly [string, string], means: FunctionMeans): boolean {
  const http = sourceOf("http", means);
  if (http === undefined) return false;
  if (!isSame(given, http, "url")) throw new BuiltinError("first argument is not the same as input http");
  const question = { kind: "http", signature: needFile(signature, means), keys: needFile(keys, means) } as const;
  try {
    means.asked().verify(question);
  } catch (error) {
    // As in buildx, a file that is signed otherwise is one for which this does not hold.
    if (error instanceof BuiltinError) return false;
    throw error;
  }
  return true;
}

/** Undefined for a file that nobody has attested so. */
function attestation(given: Value | undefined, question: () => SignatureQuestion, means: FunctionMeans): Value | undefined {
  const http = sourceOf("http", means);
  if (http === undefined) return undefined;
  if (!isSame(given, http, "url")) throw new BuiltinError("first argument is not the same as input http");
  return fromJson(means.asked().verify(question()));
}
