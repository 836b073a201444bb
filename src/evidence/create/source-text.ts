import { InvalidDigestError, parseDigest, type Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Platform } from "../../oci/platform.ts";
import { isObject, type JsonObject } from "../../trace/document.ts";
import { EvidenceError } from "../evidence-error.ts";
import { parseLocation, type Location } from "./location.ts";

/** What of a descriptor its writer may leave to the registry. */
export type PartialDescriptor = Pick<Descriptor, "digest"> & Partial<Descriptor>;

/** One source of an image, as written: a reference, a digest in a repository that others name, or a descriptor. */
export type SourceText =
  | { readonly kind: "reference"; readonly text: string; readonly location: Location }
  | { readonly kind: "digest"; readonly text: string; readonly digest: Digest }
  | { readonly kind: "descriptor"; readonly text: string; readonly descriptor: PartialDescriptor };

/** Throws EvidenceError "usage", in buildx's words. */
export function parseSource(text: string): SourceText {
  try {
    if (isDigest(text)) return { kind: "digest", text, digest: checkedDigest(text) };
    if (text.startsWith("{")) return { kind: "descriptor", text, descriptor: parseDescriptor(text) };
    return { kind: "reference", text, location: parseLocation(text) };
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    throw new EvidenceError("usage", `failed to parse source ${JSON.stringify(text)}, valid sources are digests, references and descriptors: ${error.message}`, { cause: error });
  }
}

/** What begins so is taken for a digest, also where it is none: no repository is called like that. */
function isDigest(text: string): boolean {
  return text.startsWith("sha256");
}

function checkedDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (cause) {
    if (!(cause instanceof InvalidDigestError)) throw cause;
    const [algorithm, encoded] = text.split(":", 2);
    if (encoded === undefined || !/^[A-Za-z0-9=_-]+$/.test(encoded)) throw new EvidenceError("usage", "invalid checksum digest format", { cause });
    if (algorithm !== "sha256") throw new EvidenceError("usage", "unsupported digest algorithm", { cause });
    throw new EvidenceError("usage", encoded.length === 64 ? "invalid checksum digest format" : "invalid checksum digest length", { cause });
  }
}

function parseDescriptor(text: string): PartialDescriptor {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new EvidenceError("usage", endsTooEarly(cause, text) ? "unexpected end of JSON input" : messageOf(cause), { cause });
  }
  if (!isObject(value)) throw new EvidenceError("usage", "not a JSON object");
  const { schemaVersion } = value;
  if (schemaVersion !== undefined && schemaVersion !== 0) throw new EvidenceError("usage", `expected an OCI content descriptor, got a manifest or index (schemaVersion ${JSON.stringify(schemaVersion)})`);
  return descriptorOf(value);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** V8 says of some such texts what should have come there, and in which place. */
function endsTooEarly(cause: unknown, text: string): boolean {
  const message = cause instanceof SyntaxError ? cause.message : "";
  return /^(?:Unexpected end of JSON input|Unterminated string)/.test(message) || message.includes(` at position ${text.length} `);
}

function descriptorOf(value: JsonObject): PartialDescriptor {
  const digest = member(value, "digest", isText);
  if (digest === undefined || digest === "") throw new EvidenceError("usage", "invalid descriptor: digest is required");
  return { ...membersOf(value), digest: descriptorDigest(digest) };
}

function descriptorDigest(text: string): Digest {
  try {
    return checkedDigest(text);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    throw new EvidenceError("usage", `invalid descriptor digest: ${error.message}`, { cause: error });
  }
}

function membersOf(value: JsonObject): Partial<Descriptor> {
  const members = {
    mediaType: member(value, "mediaType", isText),
    size: member(value, "size", isSize),
    urls: member(value, "urls", isTexts),
    annotations: member(value, "annotations", isTextMap),
    data: member(value, "data", isText),
    platform: member(value, "platform", isPlatform),
    artifactType: member(value, "artifactType", isText),
  };
  // Members that are not there are left out again.
  return Object.fromEntries(Object.entries(members).filter(([, one]) => one !== undefined && one !== "" && one !== 0));
}

function member<T>(value: JsonObject, name: string, is: (member: unknown) => member is T): T | undefined {
  const found = Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined;
  if (found === undefined || is(found)) return found;
  throw new EvidenceError("usage", `invalid descriptor: ${name} is not what an OCI descriptor has there`);
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isTextMap = (value: unknown): value is Readonly<Record<string, string>> => isObject(value) && Object.values(value).every(isText);
const isPlatform = (value: unknown): value is Platform =>
  isObject(value) &&
  ["architecture", "os", "os.version", "variant"].every((name) => value[name] === undefined || isText(value[name])) &&
  (value["os.features"] === undefined || isTexts(value["os.features"]));
