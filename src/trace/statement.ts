import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { ImageError } from "./image-error.ts";
import { parseObject, textAt, type JsonObject } from "./document.ts";

/** What BuildKit accepts as one attestation, and so what has to be read. */
export const STATEMENT_SIZE_BYTES_MAX: number = 40 * 1024 * 1024;

export const PREDICATE = {
  /** Both shapes, v0.2 and v1, and what may follow. */
  provenancePrefix: "https://slsa.dev/provenance/",
  spdx: "https://spdx.dev/Document",
} as const;

const DSSE = /^application\/vnd\.in-toto\..*\+dsse$/;

/** A layer of an attestation manifest that holds an in-toto statement, not fetched yet. */
export interface StatementLayer {
  readonly predicateType: string;
  readonly descriptor: Descriptor;
  /** The attestation manifest that holds it. */
  readonly holder: Digest;
}

/** The statements among the layers of an attestation manifest, in their order. */
export function statementLayers(holder: Digest, layers: readonly Descriptor[]): readonly StatementLayer[] {
  return layers.flatMap((descriptor) => {
    const predicateType = descriptor.annotations?.["in-toto.io/predicate-type"];
    const isStatement = descriptor.mediaType === MEDIA_TYPE.inToto || DSSE.test(descriptor.mediaType);
    return isStatement && predicateType !== undefined ? [{ predicateType, descriptor, holder }] : [];
  });
}

/** The provenance among statements: the first of an attestation manifest, the last manifest's before others'. */
export function provenanceLayer(layers: readonly StatementLayer[]): StatementLayer | undefined {
  const provenance = layers.filter(({ predicateType }) => predicateType.startsWith(PREDICATE.provenancePrefix));
  return provenance.find(({ holder }) => holder === provenance.at(-1)?.holder);
}

/**
 * The statement in a layer's bytes. An envelope's signature is not checked here: that is what verification is for,
 * and this only shows.
 */
export function parseStatement(bytes: Uint8Array, { mediaType, digest }: Descriptor): JsonObject {
  const what = `statement ${digest}`;
  if (!DSSE.test(mediaType)) return parseObject(bytes, what);
  const payload = textAt(parseObject(bytes, what), "payload");
  if (payload === undefined) throw new ImageError("corrupt", `${what}: an envelope without payload`);
  return parseObject(Buffer.from(payload, "base64"), what);
}
