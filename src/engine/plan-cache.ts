import { csvFields } from "../content/csv-fields.ts";
import { InvalidDigestError, parseDigest, type Digest } from "../content/digest.ts";
import { FlagFields } from "../content/flag-fields.ts";
import { goBoolean } from "../content/go-boolean.ts";
import { compressionOf } from "../export/output-flag.ts";
import type { Compression } from "../export/target.ts";
import { InvalidReferenceError, parseReference, tagNameOnly, type Reference } from "../oci/reference.ts";
import type { BuildRequest } from "./build-request.ts";
import { completeGha, planStore, type StorePlace } from "./plan-cache-store.ts";
import { requestPath } from "./plan-context.ts";
import { RequestError } from "./request-error.ts";

/** Where results of others are looked for: one `--cache-from`. */
export type CacheImport =
  | { readonly kind: "registry"; readonly reference: Reference; readonly insecure: boolean }
  /** `src` is absolute. Found by the digest, else by the tag. */
  | { readonly kind: "local"; readonly src: string; readonly tag: string; readonly digest: Digest | undefined }
  | StorePlace;

/** Where results of this build go: one `--cache-to`. */
export type CacheExport = CachePlace & {
  /** `min`: what the result is made of; `max`: what all steps made. */
  readonly mode: "min" | "max";
  /** True lets the build go on where this fails. */
  readonly ignoreError: boolean;
};

type CachePlace =
  | { readonly kind: "inline" }
  | { readonly kind: "registry"; readonly reference: Reference; readonly insecure: boolean; readonly form: CacheForm }
  /** `dest` is absolute. `reset` leaves nothing there but this cache. */
  | { readonly kind: "local"; readonly dest: string; readonly tag: string; readonly reset: boolean; readonly form: CacheForm }
  | StorePlace;

export interface CacheForm {
  readonly compression: Compression;
  readonly mediaTypes: "oci" | "docker";
  /** An image's manifest, or an index of blobs. */
  readonly root: "manifest" | "index";
}

export interface CachePlan {
  readonly imports: readonly CacheImport[];
  readonly exports: readonly CacheExport[];
}

/** Reads `--cache-from`, `--cache-to` and BUILDKIT_INLINE_CACHE. Throws RequestError and ExportError ("usage"). */
export function planCache(request: BuildRequest): CachePlan {
  const imports = (request.cacheFrom ?? []).flatMap((text) => fieldsOf("--cache-from", text).flatMap((fields) => planned(fields, request.env, (type) => planImport(type, fields, request))));
  const exports = (request.cacheTo ?? []).flatMap((text) => fieldsOf("--cache-to", text).flatMap((fields) => planned(fields, request.env, (type) => planExport(type, fields, request))));
  const asked = goBoolean(request.buildArgs?.["BUILDKIT_INLINE_CACHE"] ?? "") === true;
  const inline: CacheExport = { kind: "inline", mode: "min", ignoreError: false };
  const all = asked && !exports.some(({ kind }) => kind === "inline") ? [...exports, inline] : exports;
  if (request.reproducible === true && all.some(({ kind }) => kind === "inline")) {
    throw new RequestError("usage", "an inline cache tells the times of its build, and no other build can give an image with the same: put the cache elsewhere, such as type=registry, or build without --reproducible");
  }
  return { imports, exports: all };
}

/** Values that no message may show. */
const SECRET_VALUE = /((?:token|ghtoken|session_token|access_key_id|secret_access_key)=)[^,]*/gi;

/** What has no `=` is the name of an image in a registry. */
function fieldsOf(flag: string, text: string): readonly FlagFields[] {
  const fail = (shown: string) => (message: string): RequestError => new RequestError("usage", `${flag} ${shown.replaceAll(SECRET_VALUE, "$1…")}: ${message}`);
  if (text.includes("=")) return [new FlagFields(text, fail(text))];
  const references = text === "" ? [text] : csvFields(text);
  return references.map((reference) => new FlagFields(`type=registry,ref=${reference}`, fail(reference)));
}

function planned<T>(fields: FlagFields, env: BuildRequest["env"], plan: (type: string) => T): readonly T[] {
  const type = fields.need("type");
  // A job on GitHub has these, and a build elsewhere does without, as buildx does.
  if (type === "gha" && !completeGha(fields, env)) return [];
  const result = plan(type);
  const [unknown] = fields.rest().keys();
  if (unknown !== undefined) throw fields.error(`unknown key ${JSON.stringify(unknown)}`);
  return [result];
}

function planImport(type: string, fields: FlagFields, request: BuildRequest): CacheImport {
  switch (type) {
    case "registry":
      return { kind: "registry", ...registryOf(fields) };
    case "local":
      return { kind: "local", src: requestPath(request, fields.need("src")), tag: fields.take("tag") ?? "latest", digest: digestField(fields) };
    default:
      return planStore(type, fields, request.env) ?? unknownType(type, fields);
  }
}

function planExport(type: string, fields: FlagFields, request: BuildRequest): CacheExport {
  const mode = modeOf(fields);
  const ignoreError = fields.flag("ignore-error", false);
  switch (type) {
    case "inline":
      // There is room for the image's own layers only.
      return { kind: "inline", mode: "min", ignoreError };
    case "registry":
      return { kind: "registry", mode, ignoreError, ...registryOf(fields), form: formOf(fields) };
    case "local":
      return { kind: "local", mode, ignoreError, dest: requestPath(request, fields.need("dest")), tag: fields.take("tag") ?? "latest", reset: fields.flag("reset", false), form: formOf(fields) };
    default:
      return { ...(planStore(type, fields, request.env) ?? unknownType(type, fields)), mode, ignoreError };
  }
}

function unknownType(type: string, fields: FlagFields): never {
  throw fields.error(`unknown type ${JSON.stringify(type)}: use inline (to write), registry, local, gha, s3 or azblob`);
}

function registryOf(fields: FlagFields): { readonly reference: Reference; readonly insecure: boolean } {
  const text = fields.need("ref");
  try {
    return { reference: tagNameOnly(parseReference(text)), insecure: fields.flag("registry.insecure", false) };
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    throw fields.error(error.message);
  }
}

function digestField(fields: FlagFields): Digest | undefined {
  const text = fields.take("digest");
  try {
    return text === undefined ? undefined : parseDigest(text);
  } catch (error) {
    if (!(error instanceof InvalidDigestError)) throw error;
    throw fields.error(error.message);
  }
}

function modeOf(fields: FlagFields): "min" | "max" {
  const mode = fields.take("mode") ?? "min";
  if (mode !== "min" && mode !== "max") throw fields.error(`mode=${mode}: use min or max`);
  return mode;
}

/** Docker's media types have no manifest that could hold a cache: without a word of the user's, it is an index then. */
function formOf(fields: FlagFields): CacheForm {
  const mediaTypes = fields.flag("oci-mediatypes", true) ? "oci" : "docker";
  const isManifest = fields.flag("image-manifest", mediaTypes === "oci");
  if (isManifest && mediaTypes === "docker") throw fields.error("invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache format");
  return { compression: compressionOf(fields), mediaTypes, root: isManifest ? "manifest" : "index" };
}
