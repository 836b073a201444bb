import type { Digest } from "../../content/digest.ts";
import type { Reference } from "../../oci/reference.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import type { Repository } from "../../registry/repository.ts";
import { ManifestReader } from "../gc/manifest-reader.ts";
import { surveyRoots } from "../gc/survey.ts";
import type { LeakyHolder } from "./find-redactions.ts";
import type { Signature } from "./signatures.ts";

/** What is still in the repository and holds a secret, or leads to one that does. */
export interface OldEvidence {
  readonly digest: Digest;
  /**
   * `signature`: of an attestation that was replaced; it may hold the statement in an envelope. `index`: names that
   * attestation, and is never deleted, since somebody may use it by its digest.
   */
  readonly kind: "statement" | "attestation" | "signature" | "index";
  /** How a tag still leads to it: `index sha256:… of tag 2`. Undefined where none does. */
  readonly named: string | undefined;
  /** Whether the registry still lists it as referring to the image, as it does until it is deleted. */
  readonly listed: boolean;
}

export interface OldParts {
  readonly repository: Repository;
  readonly leaky: readonly LeakyHolder[];
  readonly signatures: readonly Signature[];
  /** Undefined where the index did not change. */
  readonly root: Digest | undefined;
}

/** In the order in which they are to be deleted. */
export async function findOldEvidence({ repository, leaky, signatures, root }: OldParts, signal: AbortSignal): Promise<readonly OldEvidence[]> {
  const names = await readNames(repository, signal);
  const listed = await readListed(repository, leaky, signal);
  const one = (kind: OldEvidence["kind"], digest: Digest): OldEvidence => ({ digest, kind, named: names.get(digest), listed: listed.has(digest) });
  return [
    ...(root === undefined ? [] : [one("index", root)]),
    ...signatures.filter(({ signs }) => signs.kind === "attestation").map(({ digest }) => one("signature", digest)),
    ...leaky.map(({ holder }) => one("attestation", holder.descriptor.digest)),
    ...new Set(leaky.flatMap(({ clean }) => [...clean.keys()])).values().map((digest) => one("statement", digest)),
  ];
}

/**
 * Deletes what `scrubEvidence` left behind, but for the old index; what a tag still leads to is left too. Returns what was
 * deleted. Throws RegistryError.
 */
export async function deleteOldEvidence(place: Pick<Reference, "domain" | "path">, old: readonly OldEvidence[], client: RegistryClient, signal: AbortSignal): Promise<readonly OldEvidence[]> {
  const repository = client.repository(place, "push");
  const names = await readNames(repository, signal);
  const deletable = old.filter(({ kind, digest }) => kind !== "index" && !names.has(digest));
  for (const { kind, digest } of deletable) {
    if (kind === "statement") await repository.deleteBlob(digest, signal);
    else await repository.deleteManifest(digest, signal);
  }
  return deletable;
}

/** Each manifest that a tag leads to, and the blobs of each, with the way. */
async function readNames(repository: Repository, signal: AbortSignal): Promise<ReadonlyMap<Digest, string>> {
  const reader = new ManifestReader(repository, signal);
  const names = new Map<Digest, string>();
  for (const [digest, way] of (await surveyRoots(repository, reader, signal)).reached) {
    names.set(digest, way);
    for (const blob of (await reader.read(digest))?.blobs ?? []) if (!names.has(blob)) names.set(blob, way);
  }
  return names;
}

async function readListed(repository: Repository, leaky: readonly LeakyHolder[], signal: AbortSignal): Promise<ReadonlySet<Digest>> {
  const subjects = new Set(leaky.map(({ subject }) => subject.digest));
  const listed = await Promise.all([...subjects].map((subject) => repository.referrers(subject, signal)));
  return new Set(listed.flat().map(({ digest }) => digest));
}
