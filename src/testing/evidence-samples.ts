import { bytesOf } from "../content/bytes.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { parsePlatform } from "../oci/platform.ts";
import type { Repository } from "../registry/repository.ts";

export const SLSA_V1 = "https://slsa.dev/provenance/v1";
export const SPDX = "https://spdx.dev/Document";
export const CYCLONEDX = "https://cyclonedx.org/bom";
export const SIGSTORE_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

export interface SampleStatement {
  readonly predicateType: string;
  readonly bytes: Buffer;
}

/** An in-toto statement about a manifest, in one line as BuildKit writes it. */
export function sampleStatement(subject: Digest | undefined, predicateType: string, predicate: object): SampleStatement {
  const subjects = subject === undefined ? [] : [{ name: "pkg:docker/sample@1", digest: { sha256: subject.slice("sha256:".length) } }];
  return { predicateType, bytes: Buffer.from(goJson({ _type: "https://in-toto.io/Statement/v1", predicateType, subject: subjects, predicate })) };
}

/** A DSSE envelope around a statement. Its signature is none; nothing here verifies. */
export function sampleEnvelope(bytes: Uint8Array): object {
  return { payloadType: "application/vnd.in-toto+json", payload: Buffer.from(bytes).toString("base64"), signatures: [{ sig: "bm90IG9uZQ==" }] };
}

export function sampleBundle(bytes: Uint8Array): object {
  return { mediaType: SIGSTORE_BUNDLE, verificationMaterial: {}, dsseEnvelope: sampleEnvelope(bytes) };
}

/** Puts images and what is recorded of them into a repository, in the forms that builders and signers give them. */
export class EvidenceSamples {
  readonly #repository: Repository;
  readonly #signal: AbortSignal;

  constructor(repository: Repository, signal: AbortSignal) {
    this.#repository = repository;
    this.#signal = signal;
  }

  /** An image of one small layer; other seeds give other digests. The descriptor is that of an entry of an index. */
  async image(platformName: string, seed: string, mediaType: string = MEDIA_TYPE.ociManifest, tag?: string): Promise<Descriptor> {
    const { os, architecture, variant } = parsePlatform(platformName, { os: "linux", architecture: "amd64" });
    const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
    const layer = await this.blob(MEDIA_TYPE.ociLayerGzip, Buffer.from(`layer of ${seed}`));
    const config = await this.blob(MEDIA_TYPE.ociConfig, Buffer.from(JSON.stringify({ ...platform, rootfs: { type: "layers", diff_ids: [layer.digest] } })));
    return { ...(await this.manifest({ mediaType, config, layers: [layer] }, tag)), platform };
  }

  /** BuildKit's attestation manifest, as an entry of an index. */
  async attestation(subject: Descriptor, statements: readonly SampleStatement[], form: "artifact" | "older" = "artifact"): Promise<Descriptor> {
    const layers: Descriptor[] = [];
    for (const { predicateType, bytes } of statements) layers.push({ ...(await this.blob(MEDIA_TYPE.inToto, bytes)), annotations: { "in-toto.io/predicate-type": predicateType } });
    const members = form === "artifact" ? { artifactType: MEDIA_TYPE.attestationManifest, config: await this.#emptyConfig(), layers, subject: bare(subject) } : { config: await this.#emptyConfig(), layers };
    const manifest = await this.manifest({ mediaType: MEDIA_TYPE.ociManifest, ...members }, undefined, true);
    return {
      ...manifest,
      annotations: { "vnd.docker.reference.digest": subject.digest, "vnd.docker.reference.type": "attestation-manifest" },
      platform: { architecture: "unknown", os: "unknown" },
    };
  }

  /** What refers to a manifest: one layer of that type, listed by the registry or in the fallback tag. */
  async referrer(subject: Descriptor, artifactType: string, content: Uint8Array | object, annotations: Readonly<Record<string, string>> = {}): Promise<Descriptor> {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const layers = [await this.blob(artifactType, bytes)];
    return await this.manifest({ mediaType: MEDIA_TYPE.ociManifest, artifactType, config: await this.#emptyConfig(), layers, subject: bare(subject), annotations }, undefined);
  }

  async index(manifests: readonly Descriptor[], tag: string | undefined, mediaType: string = MEDIA_TYPE.ociIndex): Promise<Descriptor> {
    return await this.manifest({ mediaType, manifests }, tag);
  }

  async blob(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
    await this.#repository.uploadBlob({ descriptor, open: () => bytesOf(bytes), mountFrom: undefined }, this.#signal);
    return descriptor;
  }

  async manifest(members: { readonly mediaType: string; readonly [member: string]: unknown }, tag: string | undefined, namedByIndex = false): Promise<Descriptor> {
    const { mediaType, ...rest } = members;
    const bytes = Buffer.from(goJson({ schemaVersion: 2, mediaType, ...rest }, "  "));
    return await this.#repository.putManifest({ tag, mediaType, bytes, namedByIndex }, this.#signal);
  }

  async #emptyConfig(): Promise<Descriptor> {
    return await this.blob(MEDIA_TYPE.ociEmpty, Buffer.from("{}"));
  }
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
