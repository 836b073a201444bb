import type { KeyObject } from "node:crypto";
import type { Digest } from "../content/digest.ts";
import type { Environment } from "../host/environment.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest } from "../oci/media-type.ts";
import type { ImageSource, PinnedImage } from "../source/image.ts";
import { signatureKind, type SignatureKind, type SignatureType } from "../trust/signature-kind.ts";
import type { SignedArtifact, Sigstore, VerifiedBundle } from "../trust/sigstore.ts";
import { TrustError } from "../trust/trust-error.ts";
import { PROVENANCE_TYPES } from "./image-provenance.ts";
import { openHardenedKey, openSigstore } from "./trust-root.ts";

const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** What cosign wrote before there were bundles: what refers to an image so, and what a layer of it is. */
const SIMPLE_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";
const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";

/** Of one image's attestations; who publishes more of them wants us to work. */
const SIGNATURES_MAX = 20;

export interface ImageSignatures {
  readonly images: ImageSource;
  readonly pinned: PinnedImage;
}

/**
 * `input.image.signatures`: of the manifest with the image's provenance, those that are verified. Throws TrustError where
 * there are signatures of which nothing can be told; `tell` gets what is wrong with those that do not hold.
 */
export async function imageSignatures({ images, pinned }: ImageSignatures, { env, tell }: { readonly env: Environment; readonly tell: (message: string) => void }, signal: AbortSignal): Promise<readonly object[]> {
  const { attestation } = pinned;
  if (attestation === undefined) return [];
  const all = await images.referrers(pinned.reference, attestation.digest, signal);
  // buildx looks at a bundle first, and at no more than one signature.
  const signatures = [BUNDLE, SIMPLE_SIGNATURE].flatMap((type) => all.filter(({ artifactType }) => artifactType === type)).slice(0, SIGNATURES_MAX);
  if (signatures.length === 0) return [];
  const believed = { sigstore: await openSigstore(env), key: pinned.isHardenedByDocker ? await openHardenedKey(env) : undefined };
  const bytes = await images.manifest(pinned.reference, attestation, signal);
  const found: object[] = [];
  for (const signature of signatures) {
    try {
      checkAttestation(bytes, pinned);
      const signed = await signedLayer(signature, attestation, { images, pinned }, signal);
      found.push(signature.artifactType === BUNDLE ? bundleJson(signed, { sha256: hexOf(attestation.digest), bytes }, believed) : await simpleSignatureJson(signed, attestation.digest, believed));
    } catch (error) {
      if (!(error instanceof TrustError) || error.code !== "invalid") throw error;
      tell(`failed to parse image signatures: ${signature.digest}: ${error.message}`);
    }
  }
  return found;
}

function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** What is signed has to say itself that it is about this image: the index, which says so too, is not signed. */
function checkAttestation(bytes: Uint8Array, { manifestDigest, attestation }: PinnedImage): void {
  const { subject, layers = [] } = JSON.parse(Buffer.from(bytes).toString("utf8")) as Partial<Manifest>;
  const name = `attestation manifest ${attestation?.digest ?? ""}`;
  if (subject === undefined) throw new TrustError("invalid", `${name} has no subject`);
  if (subject.digest !== manifestDigest || !(isManifest(subject.mediaType) || isIndex(subject.mediaType))) throw new TrustError("invalid", `${name} is not about the image manifest ${manifestDigest}, but about ${subject.digest}`);
  if (!layers.some(({ annotations }) => PROVENANCE_TYPES.includes(annotations?.["in-toto.io/predicate-type"] ?? ""))) throw new TrustError("invalid", `${name} has no SLSA provenance layer`);
}

interface SignedLayer {
  readonly layer: Descriptor;
  readonly content: Uint8Array;
}

/** The first layer of a manifest that is a signature of that one, and says so. */
async function signedLayer(signature: Descriptor, about: Descriptor, { images, pinned }: ImageSignatures, signal: AbortSignal): Promise<SignedLayer> {
  const { artifactType, subject, layers = [] } = JSON.parse(Buffer.from(await images.manifest(pinned.reference, signature, signal)).toString("utf8")) as Partial<Manifest>;
  const [layer] = layers;
  if (signature.artifactType === BUNDLE && (artifactType !== BUNDLE || layer?.mediaType !== BUNDLE)) throw new TrustError("invalid", "signature manifest is not a bundle");
  if (layer === undefined || (signature.artifactType !== BUNDLE && layer.mediaType !== SIMPLE_SIGNING)) throw new TrustError("invalid", `signature manifest layer has invalid media type ${layer?.mediaType ?? ""}`);
  if (subject?.digest !== about.digest) throw new TrustError("invalid", `signature manifest is not about the attestation manifest ${about.digest}`);
  return { layer, content: await images.blob(pinned.reference, layer, signal) };
}

/** As buildx shows a signature that holds. */
export function signatureJson(verified: VerifiedBundle, type: SignatureType = "bundle-v0.3", dockerReference = ""): object {
  const { signer, timestamps } = verified;
  const { certificateIssuer, subjectAlternativeName, issuer, extensions } = signer;
  return {
    kind: signatureKind(verified, type), type, ...(timestamps.length === 0 ? {} : { timestamps }), ...(dockerReference === "" ? {} : { dockerReference }),
    signer: { certificateIssuer, subjectAlternativeName, ...(issuer === "" ? {} : { issuer }), ...extensions },
  };
}

interface Believed {
  readonly sigstore: Sigstore;
  /** Of one of Docker's hardened images, which are signed by a key, and not by a certificate. */
  readonly key: KeyObject | undefined;
}

function bundleJson({ content }: SignedLayer, artifact: SignedArtifact, { sigstore, key }: Believed): object {
  return key === undefined ? signatureJson(sigstore.verify(content, artifact)) : hardenedJson(sigstore.verifyByKey(content, artifact, key), "bundle-v0.3", "");
}

async function simpleSignatureJson({ layer, content }: SignedLayer, manifestDigest: Digest, { sigstore, key }: Believed): Promise<object> {
  const { verifyKeyedSignature, verifySimpleSignature } = await import("../trust/simple-signing.ts");
  const signature = { payload: content, sha256: hexOf(layer.digest), annotations: layer.annotations ?? {} };
  if (key === undefined) {
    const verified = verifySimpleSignature(sigstore, signature, manifestDigest);
    return signatureJson(verified, "simplesigning-v1", verified.dockerReference);
  }
  const verified = verifyKeyedSignature(sigstore, signature, { manifestDigest, key });
  return hardenedJson(verified, "simplesigning-v1", verified.dockerReference);
}

/** As buildx would show it: without a name it is of nobody that is known. */
function hardenedJson({ timestamps }: Pick<VerifiedBundle, "timestamps">, type: SignatureType, dockerReference: string): object {
  const kind: SignatureKind = dockerReference === "" ? "untrusted" : "docker-hardened-image";
  return { kind, type, ...(timestamps.length === 0 ? {} : { timestamps }), ...(dockerReference === "" ? {} : { dockerReference }), isDHI: true };
}

/** `artifact_attestation`: a signed SLSA provenance about a file. Throws TrustError where it is none. */
export async function artifactSignature(bundle: Uint8Array, artifact: SignedArtifact, env: Environment): Promise<object> {
  const verified = (await openSigstore(env)).verify(bundle, artifact);
  if (!PROVENANCE_TYPES.includes(verified.predicateType ?? "")) throw new TrustError("invalid", `unexpected predicate type ${JSON.stringify(verified.predicateType ?? "")}, expecting SLSA provenance`);
  return signatureJson(verified);
}
