import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import { collectFetched } from "../content/from-another.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { isManifest } from "../oci/media-type.ts";
import type { ImageSource } from "../registry/oci-layout.ts";
import { RegistryError } from "../registry/registry-error.ts";
import type { FetchedManifest } from "../registry/repository.ts";
import { parseConfig, parseManifest, parseObject, type JsonObject } from "./document.ts";
import { ImageError } from "./image-error.ts";
import { distinct, statementBytes, STATEMENT_SIZE_BYTES_MAX, type ReadStatement, type StatementLayer, type StatementPlace, type StatementWrap } from "./statement.ts";
import { statementLayers, type Holder } from "./statement-layers.ts";

/** A configuration holds a history and labels; one larger than this is no configuration. */
const CONFIG_SIZE_BYTES_MAX = 8 * 1024 * 1024;

/** One image of an index, or the only one; each part is fetched when it is first asked for, once. */
export interface PlatformImage {
  readonly descriptor: Descriptor;
  manifest(signal: AbortSignal): Promise<Manifest>;
  config(signal: AbortSignal): Promise<ImageConfig>;
  /** The manifests in which statements about it may lie: those of the index, then what the registry knows to refer to it. */
  holders(signal: AbortSignal): Promise<readonly Holder[]>;
  /** What lies in them, in their order; a layer that lies in several once. */
  statements(signal: AbortSignal): Promise<readonly StatementLayer[]>;
  /** What lies in one of them. */
  statementsIn(holder: Holder, signal: AbortSignal): Promise<readonly StatementLayer[]>;
  statement(layer: StatementLayer, signal: AbortSignal): Promise<JsonObject>;
  /** The bytes of a statement as they were written, out of its wrapping. */
  statementBytes(layer: StatementLayer, signal: AbortSignal): Promise<Uint8Array>;
  /** The statements with such a predicate, read. Equal ones once, in whatever wrapping they lie there. */
  readStatements(isMeant: (predicateType: string) => boolean, signal: AbortSignal): Promise<readonly ReadStatement[]>;
  /** A layer's bytes, still compressed. */
  layer(descriptor: Descriptor, signal: AbortSignal): ByteStream;
}

/** What an image is read from. */
export interface ImageParts {
  readonly source: ImageSource;
  /** Fetches each manifest once. */
  fetch(digest: Digest, signal: AbortSignal): Promise<FetchedManifest>;
}

/** `references` are the manifests of the index that say to be about this one. */
export function platformImage(descriptor: Descriptor, references: readonly Descriptor[], parts: ImageParts): PlatformImage {
  const reader = new PartReader(parts);
  const manifest = once((signal) => reader.manifest(descriptor.digest, signal));
  const holders = once((signal) => reader.holders(descriptor.digest, references, signal));
  const statements = once(async (signal) => await reader.statements(await holders(signal), signal));
  const read = async (layer: StatementLayer, signal: AbortSignal): Promise<JsonObject> =>
    parseObject(await reader.statementBytes(layer, signal), `statement ${layer.descriptor.digest}`);
  return {
    descriptor,
    manifest,
    config: once(async (signal) => {
      const { config } = await manifest(signal);
      return parseConfig(await reader.document(config, CONFIG_SIZE_BYTES_MAX, signal), reader.what(config));
    }),
    holders,
    statements,
    statementsIn: (holder, signal) => reader.statements([holder], signal),
    statement: read,
    statementBytes: (layer, signal) => reader.statementBytes(layer, signal),
    async readStatements(isMeant, signal) {
      const meant = (await statements(signal)).filter(({ predicateType }) => isMeant(predicateType));
      return distinct(await Promise.all(meant.map(async (layer) => ({ layer, statement: await read(layer, signal) }))));
    },
    layer: (layer, signal) => parts.source.blob(layer, signal),
  };
}

class PartReader {
  readonly #parts: ImageParts;

  constructor(parts: ImageParts) {
    this.#parts = parts;
  }

  async manifest(digest: Digest, signal: AbortSignal): Promise<Manifest> {
    return parseManifest((await this.#parts.fetch(digest, signal)).bytes, this.what({ digest }));
  }

  async holders(image: Digest, references: readonly Descriptor[], signal: AbortSignal): Promise<readonly Holder[]> {
    const named = new Set(references.map(({ digest }) => digest));
    const referrers = (await this.#parts.source.referrers(image, signal)).filter(({ mediaType, digest }) => isManifest(mediaType) && !named.has(digest));
    const inIndex = await Promise.all(references.map((descriptor) => this.#holder(descriptor, "index", signal)));
    const referring = await Promise.all(referrers.map((descriptor) => this.#holder(descriptor, "referrer", signal)));
    // A fallback tag is a list that anyone wrote; the manifest itself says whom it is about.
    return [...inIndex, ...referring.filter(({ manifest: { subject } }) => subject === undefined || subject.digest === image)];
  }

  async statements(holders: readonly Holder[], signal: AbortSignal): Promise<readonly StatementLayer[]> {
    const read = (layer: Descriptor, wrap: StatementWrap): Promise<Uint8Array | undefined> => this.#unwrapped(layer, wrap, signal);
    const held = await Promise.all(holders.map((holder) => statementLayers(holder, read)));
    return [...new Map(held.flat().toReversed().map((layer) => [layer.descriptor.digest, layer])).values()].toReversed();
  }

  async statementBytes({ descriptor, wrap }: StatementLayer, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = await this.#unwrapped(descriptor, wrap, signal);
    if (bytes === undefined) throw new ImageError("corrupt", `statement ${descriptor.digest}: a bundle without an envelope`);
    return bytes;
  }

  async document(part: Descriptor, sizeMax: number, signal: AbortSignal): Promise<Buffer> {
    if (part.size > sizeMax) throw new ImageError("corrupt", `${this.what(part)}: ${part.size} bytes, more than ${sizeMax}`);
    return await collectFetched(() => this.#parts.source.blob(part, signal), sizeMax);
  }

  what({ digest }: Pick<Descriptor, "digest">): string {
    return `${this.#parts.source.name}@${digest}`;
  }

  async #unwrapped(descriptor: Descriptor, wrap: StatementWrap, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return statementBytes(await this.document(descriptor, STATEMENT_SIZE_BYTES_MAX, signal), wrap, `statement ${descriptor.digest}`);
  }

  async #holder(descriptor: Descriptor, place: StatementPlace, signal: AbortSignal): Promise<Holder> {
    try {
      return { descriptor, place, manifest: await this.manifest(descriptor.digest, signal) };
    } catch (cause) {
      if (!(cause instanceof RegistryError) || cause.code !== "not-found") throw cause;
      const named = place === "index" ? "the index names it" : "it is listed as a referrer";
      throw new ImageError("not-found", `${this.what(descriptor)}: this evidence is gone: ${named}, and it is not there any more`, { cause });
    }
  }
}

/** Asks once, whoever asks how often. */
function once<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let asked: Promise<T> | undefined;
  return (signal) => (asked ??= ask(signal));
}
