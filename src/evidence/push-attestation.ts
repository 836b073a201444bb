import { bytesOf } from "../content/bytes.ts";
import { Documents } from "../export/assemble.ts";
import { attestationManifest } from "../export/attestation-manifest.ts";
import type { EvidenceForm } from "../export/evidence.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { RegistryError } from "../registry/registry-error.ts";
import type { Repository } from "../registry/repository.ts";

export interface NewAttestation {
  readonly subject: Descriptor;
  readonly statements: ReadonlyArray<{ readonly predicateType: string; readonly bytes: Uint8Array }>;
  readonly form: EvidenceForm;
}

/**
 * Puts an attestation manifest into a repository; where the registry refuses the form of an artifact, as an image of
 * statements. The descriptor is that of an entry of an index.
 */
export async function pushAttestation(attestation: NewAttestation, repository: Repository, signal: AbortSignal): Promise<Descriptor> {
  try {
    return await push(attestation, repository, signal);
  } catch (error) {
    const { form } = attestation;
    if (!(error instanceof RegistryError) || error.retryable || ["unauthorized", "untrusted"].includes(error.code) || form.manifest !== "artifact") throw error;
    return await push({ ...attestation, form: { ...form, manifest: "image" } }, repository, signal);
  }
}

async function push({ subject, statements, form }: NewAttestation, repository: Repository, signal: AbortSignal): Promise<Descriptor> {
  const { mediaType, digest, size } = subject;
  const documents = new Documents();
  const parts = { subject: { mediaType, digest, size }, statements: statements.map((one) => ({ ...one, filename: "" })), form };
  const entry = attestationManifest(parts, documents);
  for (const [document, bytes] of documents.all) {
    if (document === entry.digest) continue;
    await repository.uploadBlob({ descriptor: { digest: document, size: bytes.byteLength }, open: () => bytesOf(bytes), mountFrom: undefined }, signal);
  }
  const bytes = documents.all.get(entry.digest);
  if (bytes === undefined) throw new Error("an attestation manifest without bytes");
  await repository.putManifest({ tag: undefined, mediaType: entry.mediaType, bytes, namedByIndex: form.place === "index" }, signal);
  return entry;
}
