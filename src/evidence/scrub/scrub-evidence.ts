import type { Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import type { Repository } from "../../registry/repository.ts";
import type { Redaction } from "../../scrub/scrubber.ts";
import { platformImage, type PlatformImage } from "../../trace/platform-image.ts";
import { EvidenceError } from "../evidence-error.ts";
import { openPublishedImage, replaceIndex, type PublishedImage } from "../published-image.ts";
import { findRedactions, type LeakyHolder } from "./find-redactions.ts";
import { findOldEvidence, type OldEvidence } from "./old-evidence.ts";
import { pushCleanHolder } from "./push-clean-holder.ts";
import { signaturesOf, type Signature } from "./signatures.ts";

export interface ScrubRequest {
  /** The image, in a registry. */
  readonly image: string;
  /** Masks what is signed too; the signatures are of no use then. */
  readonly dropSignatures: boolean;
}

/** One statement in which something was masked. */
export interface ScrubbedRecord {
  readonly platform: string;
  readonly predicateType: string;
  /** Of the statement as it was, and as it is now. */
  readonly before: Digest;
  readonly after: Digest;
  readonly redactions: readonly Redaction[];
}

export interface ScrubReport {
  /** In full, as the image was asked for. */
  readonly image: string;
  readonly records: readonly ScrubbedRecord[];
  /** What the image's name stands for now. */
  readonly root: Digest;
  /** What is still in the repository and holds a secret, or leads to it. */
  readonly old: readonly OldEvidence[];
  /** What signed something that was replaced. */
  readonly dropped: readonly Digest[];
}

/**
 * Masks the secrets in everything that is recorded of an image, which gets new attestations and a new index; its tag moves.
 * The images themselves stay as they are. Throws EvidenceError: "usage" where something signed would have to change,
 * "changed" where the tag was moved meanwhile; ImageError, RegistryError.
 */
export async function scrubEvidence(request: ScrubRequest, client: RegistryClient, signal: AbortSignal): Promise<ScrubReport> {
  await using published = await openPublishedImage(request.image, client, signal);

  const { open, repository } = published;
  const before = open.record.root.digest;
  const leaky = await findLeaky(published, signal);
  if (leaky.length === 0) return { image: open.fullName, records: [], root: before, old: [], dropped: [] };
  const signatures = await signaturesOf(published, leaky, signal);
  if (signatures.length > 0 && !request.dropSignatures) throw signedError(open.fullName, signatures);
  const root = await replace(published, leaky, signal);
  const old = await findOldEvidence({ repository, leaky, signatures, root: before === root ? undefined : before }, signal);
  return { image: open.fullName, records: leaky.flatMap(recordsOf), root, old, dropped: signatures.map(({ digest }) => digest) };
}

async function findLeaky({ open, repository }: PublishedImage, signal: AbortSignal): Promise<readonly LeakyHolder[]> {
  const found: LeakyHolder[] = [];
  for (const [platform, image] of await open.record.platforms(signal)) {
    const leaky = await findRedactions(platform, image, signal);
    found.push(...leaky);
    // What signs an attestation may hold a statement as well. Where the attestation itself changes, its signatures go anyway.
    const others = (await image.holders(signal)).filter(({ descriptor }) => !leaky.some(({ holder }) => holder.descriptor.digest === descriptor.digest));
    for (const { descriptor } of others) found.push(...(await findRedactions(platform, imageAt(descriptor, repository), signal)));
  }
  return found;
}

function imageAt(descriptor: Descriptor, source: Repository): PlatformImage {
  return platformImage(descriptor, [], { source, fetch: (digest, signal) => source.manifest(digest, signal) });
}

function recordsOf({ platform, clean }: LeakyHolder): readonly ScrubbedRecord[] {
  return [...clean].map(([before, { layer, digest, redactions }]) => ({ platform, predicateType: layer.predicateType, before, after: digest, redactions }));
}

function signedError(image: string, signatures: readonly Signature[]): EvidenceError {
  const list = signatures.map(({ digest, signs }) => `${digest} signs the ${signs.kind} ${signs.digest}`).join(", ");
  return new EvidenceError("usage", `${image}: there are secrets in what is signed: ${list}; no signature holds for what is masked, so this is done only with --drop-signatures`);
}

/** New manifests first, then the index; what refers to the image is listed anew last. */
async function replace(published: PublishedImage, leaky: readonly LeakyHolder[], signal: AbortSignal): Promise<Digest> {
  const { repository } = published;
  const replaced = new Map<Digest, Descriptor>();
  for (const holder of leaky) replaced.set(holder.holder.descriptor.digest, await pushCleanHolder(holder, repository, signal));
  const root = await replaceInIndex(published, leaky, replaced, signal);
  for (const { holder, subject } of leaky) {
    if (holder.place === "referrer") await dropFromList(repository, { subject, old: holder.descriptor.digest }, signal);
  }
  return root;
}

async function replaceInIndex(published: PublishedImage, leaky: readonly LeakyHolder[], replaced: ReadonlyMap<Digest, Descriptor>, signal: AbortSignal): Promise<Digest> {
  const { index, root } = published.open.record;
  const inIndex = leaky.filter(({ holder }) => holder.place === "index").map(({ holder }) => holder.descriptor.digest);
  if (inIndex.length === 0 || index === undefined) return root.digest;
  const nested = inIndex.find((digest) => !index.manifests.some((entry) => entry.digest === digest));
  if (nested !== undefined) throw new EvidenceError("usage", `${published.open.fullName}: ${nested} lies in an index within the index, which is not written anew here; scrub that one by its digest`);
  const manifests = index.manifests.map((entry) => {
    const by = replaced.get(entry.digest);
    return by === undefined || !inIndex.includes(entry.digest) ? entry : { ...entry, digest: by.digest, size: by.size };
  });
  return (await replaceIndex(published, { ...index, manifests }, signal)).digest;
}

/** Where the registry keeps the list itself, only a deletion takes something out of it. */
async function dropFromList(repository: Repository, { subject, old }: { readonly subject: Descriptor; readonly old: Digest }, signal: AbortSignal): Promise<void> {
  await repository.dropReferrers(subject.digest, new Set([old]), signal);
}
