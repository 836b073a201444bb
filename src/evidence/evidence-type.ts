import type { Descriptor } from "../oci/descriptor.ts";
import type { Manifest } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { wrapOf } from "../trace/statement.ts";

/** Attestations and signatures: types of manifests that say something about another, besides those that hold in-toto statements. */
const EVIDENCE_TYPES: ReadonlySet<string> = new Set([
  MEDIA_TYPE.attestationManifest,
  "application/vnd.dev.cosign.artifact.sig.v1+json",
  "application/vnd.dev.cosign.simplesigning.v1+json",
  "application/vnd.cncf.notary.signature",
  "application/spdx+json",
  "application/vnd.cyclonedx+json",
]);

/** Whether a manifest is there to say something about another one. `descriptor` is how a list of referrers has it. */
export function isEvidence({ artifactType }: Descriptor, manifest: Manifest): boolean {
  const types = [artifactType, manifest.artifactType, manifest.config.mediaType, ...manifest.layers.map(({ mediaType }) => mediaType)];
  return types.some((type) => type !== undefined && (EVIDENCE_TYPES.has(type) || wrapOf(type) !== undefined));
}
