import { canonicalJson } from "../content/canonical-json.ts";
import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { isProvenance } from "../provenance/predicate-type.ts";
import { isObject, listAt, objectAt, parseObject, textAt, type JsonObject } from "./document.ts";
import { ImageError } from "./image-error.ts";

/** What BuildKit accepts as one attestation, and so what has to be read. */
export const STATEMENT_SIZE_BYTES_MAX: number = 40 * 1024 * 1024;

/** Where a statement was found: in a manifest beside the image in its index, or in one that the registry lists as referring to it. */
export type StatementPlace = "index" | "referrer";

/** How a layer holds its statement: as it is, in a DSSE envelope, or in a Sigstore bundle around such an envelope. */
export type StatementWrap = "plain" | "dsse" | "bundle";

/** A layer that holds an in-toto statement, not fetched yet. */
export interface StatementLayer {
  readonly predicateType: string;
  readonly descriptor: Descriptor;
  /** The manifest that holds it. */
  readonly holder: Digest;
  readonly place: StatementPlace;
  readonly wrap: StatementWrap;
}

/** A statement that has been read, with where it lies. */
export interface ReadStatement {
  readonly layer: StatementLayer;
  readonly statement: JsonObject;
}

/** How a layer of this type holds a statement; undefined where it holds none. */
export function wrapOf(mediaType: string): StatementWrap | undefined {
  if (mediaType === MEDIA_TYPE.inToto) return "plain";
  if (/^application\/vnd\.(?:in-toto\..*\+dsse|dsse\.envelope\.v1\+json)$/.test(mediaType)) return "dsse";
  return /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[\d.]+)?\+json(?:;version=[\d.]+)?$/.test(mediaType) ? "bundle" : undefined;
}

/**
 * The bytes of the statement in a layer's bytes; undefined for a bundle that signs something else than a statement. An
 * envelope's signature is not checked here: that is what verification is for, and this only shows.
 */
export function statementBytes(bytes: Uint8Array, wrap: StatementWrap, what: string): Uint8Array | undefined {
  if (wrap === "plain") return bytes;
  const outer = parseObject(bytes, what);
  if (wrap === "bundle" && !isObject(outer["dsseEnvelope"])) return undefined;
  const payload = textAt(wrap === "bundle" ? objectAt(outer, "dsseEnvelope") : outer, "payload");
  if (payload === undefined) throw new ImageError("corrupt", `${what}: an envelope without payload`);
  return Buffer.from(payload, "base64");
}

/** The provenance among statements: the first of an attestation manifest, the last manifest's before others'; those of the index first. */
export function provenanceLayer(layers: readonly StatementLayer[]): StatementLayer | undefined {
  const all = layers.filter(({ predicateType }) => isProvenance(predicateType));
  const inIndex = all.filter(({ place }) => place === "index");
  const provenance = inIndex.length > 0 ? inIndex : all;
  return provenance.find(({ holder }) => holder === provenance.at(-1)?.holder);
}

/** BuildKit names no subject for an image without a name; then where it lies says what it is about. */
export function isAbout(statement: JsonObject, digest: string): boolean {
  const subjects = subjectDigests(statement);
  return subjects.length === 0 || subjects.includes(digest);
}

/** `sha256:…` of each subject; the empty text for one without. */
export function subjectDigests(statement: JsonObject): readonly string[] {
  return listAt(statement, "subject").map((subject) => {
    const sha256 = isObject(subject) ? textAt(objectAt(subject, "digest"), "sha256") : undefined;
    return sha256 === undefined ? "" : `sha256:${sha256}`;
  });
}

/** The same statement may lie in several places, and in an envelope besides: the first stays. */
export function distinct(statements: readonly ReadStatement[]): readonly ReadStatement[] {
  const byContent = new Map<string, ReadStatement>();
  for (const one of statements) {
    const content = canonicalJson(one.statement);
    if (!byContent.has(content)) byContent.set(content, one);
  }
  return [...byContent.values()];
}
