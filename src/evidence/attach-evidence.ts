import { canonicalJson } from "../content/canonical-json.ts";
import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { normalizePlatform } from "../oci/platform.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { choosePlatform, type ChosenPlatform } from "../trace/choose-platform.ts";
import { StatementFormError } from "../provenance/scrub-statement.ts";
import type { Redaction } from "../scrub/scrubber.ts";
import { EvidenceError } from "./evidence-error.ts";
import { pushAttestation } from "./push-attestation.ts";
import { openPublishedImage, replaceIndex, type PublishedImage } from "./published-image.ts";
import { scrubDocument } from "../provenance/scrub-document.ts";
import { parseStatementFile, type GivenStatement } from "./statement-file.ts";

export interface AttachRequest {
  /** The image, in a registry. */
  readonly image: string;
  /** An in-toto statement, JSON. */
  readonly statement: Uint8Array;
  /** May be left out where the image has only one. */
  readonly platform?: string | undefined;
  /** Beside the image in its index, so that the tag moves; or as what refers to the image. */
  readonly store: "index" | "referrers";
}

export interface AttachedEvidence {
  /** `present`: the same statement lies there already, and nothing was changed. */
  readonly state: "attached" | "present";
  readonly platform: string;
  readonly predicateType: string;
  /** The image's manifest. */
  readonly subject: Digest;
  /** The attestation manifest; undefined where the statement was present. */
  readonly attestation: Digest | undefined;
  /** What the image's name stands for now. */
  readonly root: Digest;
  /** What refers to the index that the tag named before: signatures of it say nothing of the new one. */
  readonly leftBehind: readonly Digest[];
  /** Where the statement holds what looks like a secret; it is stored as it is. */
  readonly suspects: readonly Redaction[];
}

/**
 * Adds a statement to an image that is published; what is there stays. Throws EvidenceError: "verification" where the
 * statement is not about the image, "usage", "changed" where the tag was moved meanwhile; ImageError, RegistryError.
 */
export async function attachEvidence(request: AttachRequest, client: RegistryClient, signal: AbortSignal): Promise<AttachedEvidence> {
  const statement = parseStatementFile(request.statement, "statement");
  await using published = await openPublishedImage(request.image, client, signal);

  const { open } = published;
  const chosen = await choosePlatform(open, request.platform, signal);
  const subject = chosen.image.descriptor;
  refuseOtherSubject(statement, `${open.fullName} (${chosen.name})`, subject.digest);
  const about = { platform: chosen.name, predicateType: statement.predicateType, subject: subject.digest, suspects: suspectsIn(statement) };
  if (await isPresent(statement, chosen, { ...published, store: request.store }, signal)) return { ...about, state: "present", attestation: undefined, root: open.record.root.digest, leftBehind: [] };
  const manifest = request.store === "referrers" || !(await hasOlderForm(chosen, signal)) ? "artifact" : "image";
  const attestation = await pushAttestation({ statements: [statement], subject, form: { place: request.store, manifest } }, published.repository, signal);
  if (request.store === "referrers") return { ...about, state: "attached", attestation: attestation.digest, root: open.record.root.digest, leftBehind: [] };
  const root = await replaceIndex(published, await indexWith(published, chosen, attestation, signal), signal);
  return { ...about, state: "attached", attestation: attestation.digest, root: root.digest, leftBehind: await referrersOfOldRoot(published, signal) };
}

function suspectsIn({ bytes, predicateType }: GivenStatement): readonly Redaction[] {
  try {
    return scrubDocument(bytes, predicateType).redactions;
  } catch (error) {
    // A predicate that is no object is stored all the same: only what is in it cannot be looked through.
    if (error instanceof StatementFormError) return [];
    throw error;
  }
}

function refuseOtherSubject({ subjects }: GivenStatement, what: string, digest: Digest): void {
  if (subjects.includes(digest)) return;
  const named = subjects.length === 0 ? "names no subject" : `is about ${subjects.map((subject) => (subject === "" ? "something without a sha256" : subject)).join(", ")}`;
  throw new EvidenceError("verification", `${what}: the statement ${named}, and not about this image's manifest ${digest}`);
}

/** A manifest of the index that has a subject is a referrer too, where the registry lists them. */
async function isPresent({ bytes, predicateType }: GivenStatement, { image }: ChosenPlatform, { repository, store }: Pick<AttachRequest, "store"> & Pick<PublishedImage, "repository">, signal: AbortSignal): Promise<boolean> {
  const listed = new Set(store === "index" ? [] : (await repository.referrers(image.descriptor.digest, signal)).map(({ digest }) => digest));
  const meant = (await image.holders(signal)).filter(({ place, descriptor }) => (store === "index" ? place === "index" : listed.has(descriptor.digest)));
  const layers = meant.flatMap(({ manifest, descriptor: { digest: holder }, place }) =>
    manifest.layers.filter(({ mediaType }) => mediaType === MEDIA_TYPE.inToto).map((descriptor) => ({ descriptor, holder, place, predicateType, wrap: "plain" as const })),
  );
  const content = canonicalJson(JSON.parse(Buffer.from(bytes).toString("utf8")));
  const there = await Promise.all(layers.map((layer) => image.statement(layer, signal)));
  return there.some((statement) => canonicalJson(statement) === content);
}

/** Whoever keeps attestations without `subject` has a registry that takes no others. */
async function hasOlderForm({ image }: ChosenPlatform, signal: AbortSignal): Promise<boolean> {
  const holders = (await image.holders(signal)).filter(({ place }) => place === "index");
  return holders.length > 0 && holders.every(({ manifest }) => manifest.subject === undefined);
}

/** Around a single manifest an index is made; Docker's list becomes OCI's, as it cannot hold an OCI manifest. */
async function indexWith({ open: { record } }: PublishedImage, { image }: ChosenPlatform, attestation: Descriptor, signal: AbortSignal): Promise<ImageIndex> {
  if (record.index !== undefined) return { ...record.index, mediaType: MEDIA_TYPE.ociIndex, manifests: [...record.index.manifests, attestation] };
  const { mediaType, digest, size } = image.descriptor;
  const platform = normalizePlatform(await image.config(signal));
  return { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [{ mediaType, digest, size, platform }, attestation] };
}

async function referrersOfOldRoot({ open, repository }: PublishedImage, signal: AbortSignal): Promise<readonly Digest[]> {
  return open.record.index === undefined ? [] : (await repository.referrers(open.record.root.digest, signal)).map(({ digest }) => digest);
}
