import { goJson } from "../content/go-json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import type { Documents } from "./assemble.ts";
import { isFoundBySubject, type EvidenceForm } from "./evidence.ts";
import type { Statement } from "./statement.ts";

export interface AttestationParts {
  readonly subject: Descriptor;
  readonly statements: readonly Statement[];
  readonly form: EvidenceForm;
}

/** The manifest that carries the statements about one image manifest, and its place in the index (anchor b.8). */
export function attestationManifest({ subject, statements, form }: AttestationParts, documents: Documents): Descriptor {
  const layers = statements.map(({ predicateType, bytes }) => ({
    ...documents.add(MEDIA_TYPE.inToto, bytes),
    annotations: { "in-toto.io/predicate-type": predicateType },
  }));
  const base = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest } as const;
  const about = isFoundBySubject(form.place) ? { subject } : {};
  const manifest =
    form.manifest === "artifact"
      ? { ...base, artifactType: MEDIA_TYPE.attestationManifest, config: emptyConfig(documents), layers, subject }
      : { ...base, config: legacyConfig(layers, documents), layers, ...about };
  return {
    ...documents.addManifest(manifest),
    annotations: { "vnd.docker.reference.digest": subject.digest, "vnd.docker.reference.type": "attestation-manifest" },
    platform: { architecture: "unknown", os: "unknown" },
  };
}

/** What a list of referrers says of such a manifest (distribution-spec, "Listing Referrers"). */
export function artifactTypeOf({ manifest }: EvidenceForm): string {
  return manifest === "artifact" ? MEDIA_TYPE.attestationManifest : MEDIA_TYPE.ociConfig;
}

function emptyConfig(documents: Documents): Descriptor {
  const bytes = Buffer.from("{}");
  return { ...documents.add(MEDIA_TYPE.ociEmpty, bytes), data: bytes.toString("base64") };
}

function legacyConfig(layers: readonly Descriptor[], documents: Documents): Descriptor {
  return documents.add(MEDIA_TYPE.ociConfig, legacyConfigOf(layers));
}

/** The configuration of the older form: that of an image whose layers are the statements. */
export function legacyConfigOf(layers: readonly Descriptor[]): Uint8Array {
  const config = { architecture: "unknown", os: "unknown", config: {}, rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) } };
  return Buffer.from(goJson(config));
}
