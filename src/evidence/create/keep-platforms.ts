import type { Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { isIndex, isManifest, MEDIA_TYPE } from "../../oci/media-type.ts";
import { formatPlatform, type Platform } from "../../oci/platform.ts";
import { exactPlatform } from "../../oci/platform-match.ts";
import type { ImageSource } from "../../registry/oci-layout.ts";
import { parseManifest } from "../../trace/document.ts";
import { referenceOf } from "../../trace/image-record.ts";
import { wrapOf } from "../../trace/statement.ts";
import { EvidenceError } from "../evidence-error.ts";
import { withEntries, type Entry, type NewRoot } from "./combine.ts";

/**
 * Keeps the images of these platforms (all where none is named) with the attestations about them, and takes into the
 * index those that the source's registry only lists as referrers. Throws EvidenceError "usage", in buildx's words.
 */
export async function keepPlatforms(root: NewRoot, platforms: readonly Platform[], signal: AbortSignal): Promise<NewRoot> {
  const isMeant = matcherOf(platforms);
  if (!isIndex(root.descriptor.mediaType)) return keepOnly(root, isMeant);
  const byDigest = new Map(root.entries.map(({ descriptor }) => [String(descriptor.digest), descriptor]));
  const subjectOf = (descriptor: Descriptor): Descriptor | undefined => byDigest.get(referenceOf(descriptor) ?? "");
  const isKept = (descriptor: Descriptor): boolean => isMeant(descriptor.platform) || (subjectOf(descriptor) !== undefined && isMeant(subjectOf(descriptor)?.platform));
  const kept = root.entries.filter(({ descriptor }) => isKept(descriptor));
  if (kept.length === 0) throw new EvidenceError("usage", "none of the manifests match the provided platforms");
  const pulled = await pullAttestations(kept, signal);
  return kept.length === root.entries.length && pulled.length === 0 ? root : withEntries(root, [...kept, ...pulled]);
}

/** An entry without a platform serves any. */
function matcherOf(platforms: readonly Platform[]): (platform: Platform | undefined) => boolean {
  const matchers = platforms.map(exactPlatform);
  return (platform) => platform === undefined || matchers.length === 0 || matchers.some((matcher) => matcher.matches(platform));
}

function keepOnly(root: NewRoot, isMeant: (platform: Platform | undefined) => boolean): NewRoot {
  const { platform } = root.descriptor;
  if (platform === undefined) throw new EvidenceError("usage", "cannot filter platforms from a manifest without platform information");
  if (!isMeant(platform)) throw new EvidenceError("usage", `input platform ${formatPlatform(platform)} does not match any of the provided platforms`);
  return root;
}

/** Of images that have no attestation in the index: what the registry lists, in the form that an index has. */
async function pullAttestations(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Entry[]> {
  const present = new Set(entries.map(({ descriptor }) => descriptor.digest));
  const attested = new Set(entries.map(({ descriptor }) => referenceOf(descriptor)));
  const pulled: Entry[] = [];
  for (const { descriptor, place } of entries) {
    if (!isManifest(descriptor.mediaType) || referenceOf(descriptor) !== undefined || attested.has(descriptor.digest)) continue;
    const attestations: Descriptor[] = [];
    for (const listed of await place.source.referrers(descriptor.digest, signal)) {
      if (!present.has(listed.digest) && (await isAttestation(listed, place.source, signal))) attestations.push(listed);
    }
    pulled.push(...attestations.map((one) => ({ place, descriptor: asEntry(one, descriptor.digest) })));
    for (const { digest } of attestations) present.add(digest);
  }
  return pulled;
}

/** BuildKit's artifact, or its older form, an image of statements, which a registry lists by its configuration. */
async function isAttestation({ artifactType, mediaType, digest }: Descriptor, source: ImageSource, signal: AbortSignal): Promise<boolean> {
  if (artifactType === MEDIA_TYPE.attestationManifest) return true;
  if (artifactType !== MEDIA_TYPE.ociConfig || !isManifest(mediaType)) return false;
  const { layers } = parseManifest((await source.manifest(digest, signal)).bytes, `${source.name}@${digest}`);
  return layers.length > 0 && layers.every((layer) => wrapOf(layer.mediaType) === "plain");
}

function asEntry({ artifactType: _artifactType, annotations, ...rest }: Descriptor, subject: Digest): Descriptor {
  const reference = { "vnd.docker.reference.digest": subject, "vnd.docker.reference.type": "attestation-manifest" };
  return { ...rest, annotations: { ...annotations, ...reference }, platform: { architecture: "unknown", os: "unknown" } };
}
