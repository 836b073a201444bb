import { collectBytes } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest } from "../oci/media-type.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../oci/platform.ts";
import type { FetchedManifest } from "../registry/repository.ts";
import type { ImageSource } from "../registry/oci-layout.ts";
import { parseConfig, parseIndex, parseManifest, type JsonObject } from "./document.ts";
import { ImageError } from "./image-error.ts";
import { parseStatement, statementLayers, STATEMENT_SIZE_BYTES_MAX, type StatementLayer } from "./statement.ts";

/** A configuration holds a history and labels; one larger than this is no configuration. */
const CONFIG_SIZE_BYTES_MAX = 8 * 1024 * 1024;
/** An index within an index is allowed; one that nests without end is not. */
const INDEX_DEPTH_MAX = 4;
/** BuildKit's annotations on an index entry that is about another, newest name last. */
const REFERENCE_ANNOTATIONS = ["com.docker.reference.digest", "vnd.docker.reference.digest"] as const;

/** An image and what is recorded of it, each part fetched when it is first asked for, once, and checked against its digest. */
export interface ImageRecord {
  /** Of the index or of the only manifest. */
  readonly root: Descriptor;
  /** As the registry sent them. */
  readonly bytes: Uint8Array;
  /** Undefined where the root is a manifest. */
  readonly index: ImageIndex | undefined;
  /** By name: `linux/amd64`. Of two entries for one platform, the later one. */
  platforms(signal: AbortSignal): Promise<ReadonlyMap<string, PlatformImage>>;
}

export interface PlatformImage {
  readonly descriptor: Descriptor;
  manifest(signal: AbortSignal): Promise<Manifest>;
  config(signal: AbortSignal): Promise<ImageConfig>;
  /** In the index beside the image; where there are none, what the registry knows to refer to it. */
  statements(signal: AbortSignal): Promise<readonly StatementLayer[]>;
  statement(layer: StatementLayer, signal: AbortSignal): Promise<JsonObject>;
  /** A layer's bytes, still compressed. */
  layer(descriptor: Descriptor, signal: AbortSignal): ByteStream;
}

/** Reads the root only. */
export async function readImageRecord(source: ImageSource, root: Descriptor, signal: AbortSignal): Promise<ImageRecord> {
  const fetched = await source.manifest(root.digest, signal);
  const known = { ...root, ...fetched.descriptor };
  if (!isIndex(known.mediaType) && !isManifest(known.mediaType)) throw new ImageError("corrupt", `${source.name}@${known.digest}: no image, but ${known.mediaType}`);
  const reader = new Reader(source, fetched);
  const platforms = once((inner) => reader.platforms(known, inner));
  return {
    root: known,
    bytes: fetched.bytes,
    index: isIndex(known.mediaType) ? parseIndex(fetched.bytes, `${source.name}@${known.digest}`) : undefined,
    platforms,
  };
}

/** An attestation manifest among the entries of an index, with the digest of what it is about. */
interface Reference {
  readonly about: string;
  readonly descriptor: Descriptor;
}

interface Found {
  readonly images: Descriptor[];
  readonly references: Reference[];
}

class Reader {
  readonly #source: ImageSource;
  readonly #manifests = new Map<Digest, Promise<FetchedManifest>>();

  constructor(source: ImageSource, root: FetchedManifest) {
    this.#source = source;
    this.#manifests.set(root.descriptor.digest, Promise.resolve(root));
  }

  async platforms(root: Descriptor, signal: AbortSignal): Promise<ReadonlyMap<string, PlatformImage>> {
    const found: Found = { images: [], references: [] };
    await this.#collect(root, found, { depth: 0, signal });
    const named = await Promise.all(
      found.images.map(async (descriptor) => {
        const about = found.references.filter((reference) => reference.about === descriptor.digest);
        const image = this.#image(descriptor, about);
        const platform = descriptor.platform ?? platformOf(await image.config(signal));
        return [formatPlatform(normalizePlatform(platform)), image] as const;
      }),
    );
    return new Map(named.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  async #collect(descriptor: Descriptor, found: Found, { depth, signal }: { readonly depth: number; readonly signal: AbortSignal }): Promise<void> {
    if (isManifest(descriptor.mediaType)) {
      const about = REFERENCE_ANNOTATIONS.map((key) => descriptor.annotations?.[key]).find((digest) => digest !== undefined);
      if (about === undefined) found.images.push(descriptor);
      else found.references.push({ about, descriptor });
      return;
    }
    if (!isIndex(descriptor.mediaType)) return;
    if (depth === INDEX_DEPTH_MAX) throw new ImageError("corrupt", `${this.#what(descriptor)}: indexes nested deeper than ${INDEX_DEPTH_MAX}`);
    const { bytes } = await this.#fetch(descriptor.digest, signal);
    for (const entry of parseIndex(bytes, this.#what(descriptor)).manifests) await this.#collect(entry, found, { depth: depth + 1, signal });
  }

  #image(descriptor: Descriptor, references: readonly Reference[]): PlatformImage {
    const manifest = once(async (signal) => parseManifest((await this.#fetch(descriptor.digest, signal)).bytes, this.#what(descriptor)));
    const document = async (part: Descriptor, sizeMax: number, signal: AbortSignal): Promise<Buffer> => {
      if (part.size > sizeMax) throw new ImageError("corrupt", `${this.#what(part)}: ${part.size} bytes, more than ${sizeMax}`);
      return await collectBytes(this.#source.blob(part, signal), sizeMax);
    };
    return {
      descriptor,
      manifest,
      config: once(async (signal) => {
        const { config } = await manifest(signal);
        return parseConfig(await document(config, CONFIG_SIZE_BYTES_MAX, signal), this.#what(config));
      }),
      statements: once((signal) => this.#statements(descriptor, references, signal)),
      statement: async (layer, signal) => parseStatement(await document(layer.descriptor, STATEMENT_SIZE_BYTES_MAX, signal), layer.descriptor),
      layer: (layer, signal) => this.#source.blob(layer, signal),
    };
  }

  async #statements({ digest }: Descriptor, references: readonly Reference[], signal: AbortSignal): Promise<readonly StatementLayer[]> {
    const inIndex = references.map(({ descriptor }) => descriptor);
    const holders = inIndex.length > 0 ? inIndex : (await this.#source.referrers(digest, signal)).filter(({ mediaType }) => isManifest(mediaType));
    const held = await Promise.all(
      holders.map(async (holder) => statementLayers(holder.digest, parseManifest((await this.#fetch(holder.digest, signal)).bytes, this.#what(holder)).layers)),
    );
    return held.flat();
  }

  async #fetch(digest: Digest, signal: AbortSignal): Promise<FetchedManifest> {
    const fetching = this.#manifests.get(digest) ?? this.#source.manifest(digest, signal);
    this.#manifests.set(digest, fetching);
    return await fetching;
  }

  #what({ digest }: Pick<Descriptor, "digest">): string {
    return `${this.#source.name}@${digest}`;
  }
}

function platformOf(config: ImageConfig): Platform {
  const { os = "", architecture = "", variant } = config as Partial<ImageConfig>;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Asks once, whoever asks how often. */
function once<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let asked: Promise<T> | undefined;
  return (signal) => (asked ??= ask(signal));
}
