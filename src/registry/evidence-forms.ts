import { digestOf, parseDigest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Manifest } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { putManifest, withdrawManifest } from "./manifest-calls.ts";
import { RegistryError } from "./registry-error.ts";
import type { RepositoryServers } from "./repository-servers.ts";

/** Whether a registry takes a manifest of some form; `unknown` where its answers do not tell. */
export type FormAnswer = { readonly kind: "taken" } | { readonly kind: "refused" | "unknown"; readonly reason: string };

/** What a registry takes of the forms that evidence is stored in. */
export interface EvidenceForms {
  /** BuildKit's: an OCI artifact, with an `artifactType`, an empty configuration and a `subject`. */
  readonly artifact: FormAnswer;
  /** A `subject` in a manifest that is an image's otherwise. */
  readonly subject: FormAnswer;
}

/** A blob that there cannot be. */
const NOWHERE: Descriptor = { mediaType: MEDIA_TYPE.inToto, digest: parseDigest(`sha256:${"0".repeat(64)}`), size: 2 };
const EMPTY: Omit<Descriptor, "mediaType"> = { digest: digestOf(Buffer.from("{}")), size: 2 };

const FORMS = {
  artifact: { artifactType: MEDIA_TYPE.attestationManifest, config: { ...EMPTY, mediaType: MEDIA_TYPE.ociEmpty }, subject: { ...NOWHERE, mediaType: MEDIA_TYPE.ociManifest } },
  subject: { config: { ...EMPTY, mediaType: MEDIA_TYPE.ociConfig }, subject: { ...NOWHERE, mediaType: MEDIA_TYPE.ociManifest } },
  /** What every registry takes. */
  plain: { config: { ...EMPTY, mediaType: MEDIA_TYPE.ociConfig } },
} as const satisfies Readonly<Record<string, Partial<Manifest>>>;

/**
 * Asks with manifests whose layer cannot be: a registry that takes the form complains of the layer only
 * (distribution-spec, "Pushing Manifests", has a code for that), and nothing is stored. One that does not look for
 * layers stores them; there they are removed again. Throws RegistryError where it cannot be asked.
 */
export async function askForms(repository: RepositoryServers, signal: AbortSignal): Promise<EvidenceForms> {
  return { artifact: await askForm(repository, "artifact", signal), subject: await askForm(repository, "subject", signal) };
}

async function askForm(repository: RepositoryServers, form: "artifact" | "subject", signal: AbortSignal): Promise<FormAnswer> {
  const refusal = await ask(repository, form, signal);
  if (refusal === undefined) return { kind: "taken" };
  const plain = await ask(repository, "plain", signal);
  return plain === undefined ? { kind: "refused", reason: wordsOf(refusal) } : { kind: "unknown", reason: wordsOf(plain) };
}

/** Undefined where nothing is wrong with it but its layer. */
async function ask(repository: RepositoryServers, form: keyof typeof FORMS, signal: AbortSignal): Promise<RegistryError | undefined> {
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, ...FORMS[form], layers: [NOWHERE] };
  try {
    const { descriptor } = await putManifest(repository, { tag: undefined, mediaType: manifest.mediaType, bytes: Buffer.from(JSON.stringify(manifest)) }, signal);
    await withdrawManifest(repository, descriptor.digest, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.retryable || error.code === "untrusted") throw error;
    return /BLOB_UNKNOWN\b/.test(error.said) ? undefined : error;
  }
}

/** As it is shown where people know already which registry is meant. */
export function wordsOf({ status, said, message }: RegistryError): string {
  return status === undefined ? message : `status ${status}${said === "" ? "" : `: ${said}`}`;
}
