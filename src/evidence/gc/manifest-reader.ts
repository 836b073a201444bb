import { collectBytes } from "../../content/bytes.ts";
import { InvalidDigestError, parseDigest, type Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Manifest } from "../../oci/manifest.ts";
import { isIndex, isManifest } from "../../oci/media-type.ts";
import { RegistryError } from "../../registry/registry-error.ts";
import type { Repository } from "../../registry/repository.ts";
import { parseIndex, parseManifest, parseObject } from "../../trace/document.ts";
import { statementBytes, STATEMENT_SIZE_BYTES_MAX, subjectDigests, wrapOf } from "../../trace/statement.ts";
import { isEvidence } from "../evidence-type.ts";

/** A manifest or an index that the registry has. */
export interface KnownManifest {
  readonly digest: Digest;
  /** What an index names. */
  readonly entries: readonly Descriptor[];
  /** Its configuration and layers. */
  readonly blobs: readonly Digest[];
  readonly isIndex: boolean;
  /** Whether it is there to say something about another manifest. */
  readonly isEvidence: boolean;
  /** `artifactType`, or what its layers are, for people. */
  readonly type: string;
  /** `unknown`: a digest of an algorithm that we do not follow. */
  readonly subject: Digest | "unknown" | undefined;
}

/** Reads manifests by digest, each once: what has a digest does not change. */
export class ManifestReader {
  readonly #repository: Repository;
  readonly #signal: AbortSignal;
  readonly #known = new Map<Digest, KnownManifest>();
  readonly #manifests = new Map<Digest, Manifest>();

  constructor(repository: Repository, signal: AbortSignal) {
    this.#repository = repository;
    this.#signal = signal;
  }

  /** Undefined for what is gone, and for what is of a type that we do not read: that is asked for anew each time. */
  async read(digest: Digest): Promise<KnownManifest | undefined> {
    const known = this.#known.get(digest) ?? (await this.#read(digest));
    if (known !== undefined) this.#known.set(digest, known);
    return known;
  }

  /** What the statements of a manifest are about; for those that do not say it otherwise. */
  async statementSubjects(digest: Digest): Promise<readonly Digest[]> {
    const found: Digest[] = [];
    for (const layer of this.#manifests.get(digest)?.layers ?? []) {
      const wrap = wrapOf(layer.mediaType);
      if (wrap === undefined || layer.size > STATEMENT_SIZE_BYTES_MAX) continue;
      const what = `statement ${layer.digest}`;
      const bytes = statementBytes(await collectBytes(this.#repository.blob(layer, this.#signal), STATEMENT_SIZE_BYTES_MAX), wrap, what);
      if (bytes !== undefined) found.push(...subjectDigests(parseObject(bytes, what)).flatMap(digestIn));
    }
    return found;
  }

  async #read(digest: Digest): Promise<KnownManifest | undefined> {
    try {
      const { descriptor, bytes } = await this.#repository.manifest(digest, this.#signal);
      return this.#parse(descriptor, bytes);
    } catch (error) {
      if (error instanceof RegistryError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  #parse({ mediaType, digest }: Descriptor, bytes: Uint8Array): KnownManifest | undefined {
    const what = `${this.#repository.name}@${digest}`;
    if (isIndex(mediaType)) return { digest, entries: parseIndex(bytes, what).manifests, blobs: [], isIndex: true, isEvidence: false, type: mediaType, subject: undefined };
    if (!isManifest(mediaType)) return undefined;
    const manifest = parseManifest(bytes, what);
    this.#manifests.set(digest, manifest);
    const type = manifest.artifactType ?? manifest.layers.find((layer) => wrapOf(layer.mediaType) !== undefined)?.mediaType ?? manifest.config.mediaType;
    return {
      digest, type,
      entries: [],
      blobs: [manifest.config, ...manifest.layers].map((blob) => blob.digest),
      isIndex: false,
      isEvidence: isEvidence({ mediaType, digest, size: 0 }, manifest),
      subject: manifest.subject === undefined ? undefined : (digestIn(manifest.subject.digest)[0] ?? "unknown"),
    };
  }
}

/** Other algorithms' digests, and none: not ours to follow. */
export function digestIn(text: string): readonly Digest[] {
  try {
    return [parseDigest(text)];
  } catch (error) {
    if (error instanceof InvalidDigestError) return [];
    throw error;
  }
}
