import { formatPlatform, InvalidPlatformError, normalizePlatform, parsePlatform, type Platform } from "../../oci/platform.ts";
import { EvidenceError } from "../evidence-error.ts";

/** What an annotation of a new index is put on. */
export interface CreateAnnotation {
  readonly place: "index" | "manifest-descriptor";
  /** Normal form; undefined is every platform. */
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
}

const TYPE = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/;
const KNOWN = ["index", "index-descriptor", "manifest", "manifest-descriptor"];

/**
 * `type[platform],…:key=value`. Manifests are not annotated: that would change their digests, which their evidence and
 * signatures name. Throws EvidenceError "usage", in buildx's words.
 */
export function parseCreateAnnotation(text: string, host: Platform): readonly CreateAnnotation[] {
  const equals = text.indexOf("=");
  if (equals === -1) throw failed(`invalid annotation ${JSON.stringify(text)}, expected key=value`);
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const colon = name.indexOf(":");
  if (colon === -1) throw unsupported("");
  const key = name.slice(colon + 1);
  return name.slice(0, colon).split(",").map((type) => ({ ...parseType(type, host), key, value }));
}

function parseType(text: string, host: Platform): Pick<CreateAnnotation, "place" | "platform"> {
  const [, type, platform] = TYPE.exec(text) ?? [];
  if (type === undefined) throw failed(`invalid annotation type ${JSON.stringify(text)}, expected type and optional platform in square brackets`);
  if (!KNOWN.includes(type)) throw failed(`unknown annotation type ${JSON.stringify(type)}`);
  if (type === "manifest") throw unsupported(type);
  if (type === "index-descriptor") throw new EvidenceError("usage", `${JSON.stringify(type)} annotations are invalid while creating an image`);
  return { place: type === "index" ? "index" : "manifest-descriptor", platform: platform === undefined ? undefined : platformName(platform, host) };
}

function platformName(text: string, host: Platform): string {
  try {
    return formatPlatform(normalizePlatform(parsePlatform(text, host)));
  } catch (cause) {
    if (!(cause instanceof InvalidPlatformError)) throw cause;
    throw failed(`invalid platform ${JSON.stringify(text)}: ${cause.message}`);
  }
}

function failed(why: string): EvidenceError {
  return new EvidenceError("usage", `failed to parse annotations: ${why}`);
}

function unsupported(type: string): EvidenceError {
  return new EvidenceError("usage", `${JSON.stringify(type)} annotations are not supported yet: they would change the manifest's digest, which its evidence names; use index: or manifest-descriptor:`);
}
