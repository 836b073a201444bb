import { formatPlatform, InvalidPlatformError, normalizePlatform, parsePlatform, type Platform } from "../oci/platform.ts";

export const ANNOTATION_TYPES = ["manifest", "manifest-descriptor", "index", "index-descriptor"] as const;

/** What an annotation is put on. */
export type AnnotationType = (typeof ANNOTATION_TYPES)[number];

/** `--annotation` as buildx reads it. */
export interface AnnotationText {
  /** Empty where none is named. A platform is in its normal form; undefined is every one. */
  readonly types: ReadonlyArray<{ readonly type: AnnotationType; readonly platform: string | undefined }>;
  readonly key: string;
  readonly value: string;
}

const TYPE = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/;

/**
 * `type[platform],…:key=value`. What stands before the first colon is the type: a key that has a colon needs one. `failed` makes the
 * error that is thrown, of buildx's words.
 */
export function parseAnnotationText(text: string, host: Platform, failed: (message: string) => Error): AnnotationText {
  const equals = text.indexOf("=");
  if (equals === -1) throw failed(`invalid annotation ${JSON.stringify(text)}, expected key=value`);
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const colon = name.indexOf(":");
  if (colon === -1) return { types: [], key: name, value };
  return { types: name.slice(0, colon).split(",").map((type) => parseType(type, host, failed)), key: name.slice(colon + 1), value };
}

function parseType(text: string, host: Platform, failed: (message: string) => Error): AnnotationText["types"][number] {
  const [, name, platform] = TYPE.exec(text) ?? [];
  if (name === undefined) throw failed(`invalid annotation type ${JSON.stringify(text)}, expected type and optional platform in square brackets`);
  const type = ANNOTATION_TYPES.find((known) => known === name);
  if (type === undefined) throw failed(`unknown annotation type ${JSON.stringify(name)}: use ${ANNOTATION_TYPES.join(", ")}`);
  try {
    return { type, platform: platform === undefined ? undefined : formatPlatform(normalizePlatform(parsePlatform(platform, host))) };
  } catch (cause) {
    if (!(cause instanceof InvalidPlatformError)) throw cause;
    throw failed(`invalid platform ${JSON.stringify(platform)}: ${cause.message}`);
  }
}
