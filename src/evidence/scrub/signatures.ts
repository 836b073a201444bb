import type { Digest } from "../../content/digest.ts";
import type { Repository } from "../../registry/repository.ts";
import { parseManifest } from "../../trace/document.ts";
import { isEvidence } from "../evidence-type.ts";
import type { PublishedImage } from "../published-image.ts";
import type { LeakyHolder } from "./find-redactions.ts";

/** What will not hold any more, once something is masked. */
export interface Signature {
  readonly digest: Digest;
  readonly signs: { readonly kind: "statement" | "attestation" | "index"; readonly digest: Digest };
}

/** Envelopes around statements that change, and what refers to their manifests, or to the index that changes with them. */
export async function signaturesOf({ open, repository }: PublishedImage, leaky: readonly LeakyHolder[], signal: AbortSignal): Promise<readonly Signature[]> {
  const found = new Map<Digest, Signature>();
  const add = (signature: Signature): void => void found.set(signature.digest, found.get(signature.digest) ?? signature);
  for (const { holder, clean } of leaky) {
    const { digest } = holder.descriptor;
    for (const { layer } of clean.values()) if (layer.wrap !== "plain") add({ digest, signs: { kind: "statement", digest: layer.descriptor.digest } });
    for (const signature of await referring(repository, digest, signal)) add({ digest: signature, signs: { kind: "attestation", digest } });
  }
  const changesIndex = leaky.some(({ holder }) => holder.place === "index");
  const root = open.record.root.digest;
  if (changesIndex) for (const signature of await referring(repository, root, signal)) add({ digest: signature, signs: { kind: "index", digest: root } });
  return [...found.values()];
}

/** By referrers, and by the tag that older cosign gives a signature. */
async function referring(repository: Repository, digest: Digest, signal: AbortSignal): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for (const listed of await repository.referrers(digest, signal)) {
    const manifest = parseManifest((await repository.manifest(listed.digest, signal)).bytes, `${repository.name}@${listed.digest}`);
    if (isEvidence(listed, manifest)) found.push(listed.digest);
  }
  const tagged = await repository.resolve(`${digest.replace(":", "-")}.sig`, signal);
  return tagged === undefined ? found : [...found, tagged.digest];
}
