import { bytesOf } from "../../content/bytes.ts";
import { digestOf } from "../../content/digest.ts";
import { goJson } from "../../content/go-json.ts";
import { legacyConfigOf } from "../../export/attestation-manifest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { MEDIA_TYPE } from "../../oci/media-type.ts";
import { annotationsInOrder, descriptorInOrder } from "../../oci/member-order.ts";
import type { Repository } from "../../registry/repository.ts";
import { wrapOf } from "../../trace/statement.ts";
import type { LeakyHolder } from "./find-redactions.ts";

/**
 * Puts a manifest into the repository that holds the clean statements in place of those with secrets, and all else as
 * it was. What was wrapped is plain now: its signature was of other bytes.
 */
export async function pushCleanHolder({ holder, clean }: LeakyHolder, repository: Repository, signal: AbortSignal): Promise<Descriptor> {
  const upload = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
    await repository.uploadBlob({ descriptor, open: () => bytesOf(bytes), mountFrom: undefined }, signal);
    return descriptor;
  };
  const layers: Descriptor[] = [];
  for (const layer of holder.manifest.layers) {
    const { bytes, layer: { predicateType } } = clean.get(layer.digest) ?? { bytes: undefined, layer: { predicateType: "" } };
    if (bytes === undefined) layers.push(layer);
    else layers.push({ ...(await upload(MEDIA_TYPE.inToto, bytes)), annotations: { ...layer.annotations, "in-toto.io/predicate-type": predicateType } });
  }
  const { schemaVersion, mediaType, artifactType, config, subject, annotations } = holder.manifest;
  // The older form lists its layers as an image would.
  const newConfig = config.mediaType === MEDIA_TYPE.ociConfig ? await upload(MEDIA_TYPE.ociConfig, legacyConfigOf(layers)) : config;
  const manifest = {
    schemaVersion, mediaType,
    ...(artifactType === undefined ? {} : { artifactType: wrapOf(artifactType) === undefined || wrapOf(artifactType) === "plain" ? artifactType : MEDIA_TYPE.attestationManifest }),
    config: descriptorInOrder(newConfig),
    layers: layers.map(descriptorInOrder),
    ...(subject === undefined ? {} : { subject: descriptorInOrder(subject) }),
    ...annotationsInOrder(Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith("dev.sigstore.")))),
  };
  const bytes = Buffer.from(goJson(manifest, "  "));
  return await repository.putManifest({ tag: undefined, mediaType, bytes, namedByIndex: holder.place === "index" }, signal);
}
