import { collectBytes } from "../content/bytes.ts";
import { digestOf, parseDigest, type Digest } from "../content/digest.ts";
import { verified } from "../content/verified.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE, isManifest } from "../oci/media-type.ts";
import { SUBJECT_ANNOTATION, type ImageIndex, type Manifest } from "../oci/manifest.ts";
import { openLayoutFiles, type LayoutFiles } from "./layout-files.ts";
import { MANIFEST_SIZE_BYTES_MAX } from "./manifest-calls.ts";
import { RegistryError } from "./registry-error.ts";
import type { FetchedManifest, Repository } from "./repository.ts";

/** What of a repository is needed to read images. A layout has it too. */
export type ImageSource = Pick<Repository, "name" | "resolve" | "manifest" | "blob" | "referrers">;

export interface OciLayout extends ImageSource, AsyncDisposable {
  hasBlob(digest: Digest): Promise<boolean>;
  /** The entry of the layout's index where there is only one, whatever its name; what is about another entry does not count. */
  only(signal: AbortSignal): Promise<Descriptor | undefined>;
}

/** `oci-layout://path[:tag][@digest]`. */
export interface LayoutReference {
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

const SCHEME = "oci-layout://";
/** A layout may hold many images; its index is nevertheless read whole. */
const INDEX_SIZE_BYTES_MAX = 16 * 1024 * 1024;
const DIGEST_SUFFIX = /@(sha256:[0-9a-f]{64})$/;
const TAG_SUFFIX = /:(\w[\w.-]{0,127})$/;

/** Undefined for what is not of that form. */
export function parseLayoutReference(text: string): LayoutReference | undefined {
  if (!text.startsWith(SCHEME)) return undefined;
  const whole = text.slice(SCHEME.length);
  const digest = DIGEST_SUFFIX.exec(whole)?.[1];
  const named = digest === undefined ? whole : whole.slice(0, -digest.length - 1);
  const tag = TAG_SUFFIX.exec(named)?.[1];
  const path = tag === undefined ? named : named.slice(0, -tag.length - 1);
  return { path, tag, digest: digest === undefined ? undefined : parseDigest(digest) };
}

export function formatLayoutReference({ path, tag, digest }: LayoutReference): string {
  return `${SCHEME}${path}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** Opens a layout directory (image-spec, image-layout.md) or a tar of one. Throws RegistryError "not-found". */
export async function openOciLayout(path: string, signal: AbortSignal): Promise<OciLayout> {
  signal.throwIfAborted();
  const name = SCHEME + path;
  const files = await openLayoutFiles(path);
  if (files === undefined) throw new RegistryError("not-found", `${name}: no such directory or file`);
  const layout = new Layout(name, files);
  return {
    name,
    resolve: (tagOrDigest) => layout.resolve(tagOrDigest),
    manifest: (digest) => layout.manifest(digest),
    blob: (descriptor, blobSignal) => layout.blob(descriptor, blobSignal),
    hasBlob: async (digest) => (await files.size(blobPath(digest))) !== undefined,
    referrers: (digest) => layout.referrers(digest),
    only: async () => {
      const [first, ...more] = (await layout.index()).manifests.filter(({ annotations }) => annotations?.[SUBJECT_ANNOTATION] === undefined);
      return more.length === 0 ? first : undefined;
    },
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

class Layout {
  readonly #name: string;
  readonly #files: LayoutFiles;

  constructor(name: string, files: LayoutFiles) {
    this.#name = name;
    this.#files = files;
  }

  async index(): Promise<ImageIndex> {
    const size = await this.#files.size("index.json");
    if (size === undefined) throw new RegistryError("not-found", `${this.#name}: no index.json, so no OCI layout`);
    if (size > INDEX_SIZE_BYTES_MAX) throw new RegistryError("protocol", `${this.#name}: index.json has ${size} bytes, more than ${INDEX_SIZE_BYTES_MAX}`);
    const index = this.#parse(await collectBytes(this.#files.read("index.json"), INDEX_SIZE_BYTES_MAX), "index.json") as Partial<ImageIndex>;
    if (!Array.isArray(index.manifests)) throw new RegistryError("protocol", `${this.#name}: index.json has no list of manifests`);
    return index as ImageIndex;
  }

  /** A full name counts before a bare tag, as with BuildKit. */
  async resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    if (tagOrDigest.startsWith("sha256:")) {
      const digest = parseDigest(tagOrDigest);
      return (await this.#files.size(blobPath(digest))) === undefined ? undefined : (await this.manifest(digest)).descriptor;
    }
    const { manifests } = await this.index();
    const named = (key: string): Descriptor | undefined => manifests.find(({ annotations }) => annotations?.[key] === tagOrDigest);
    return named("io.containerd.image.name") ?? named("org.opencontainers.image.ref.name");
  }

  async manifest(digest: Digest): Promise<FetchedManifest> {
    const size = await this.#blobSize(digest);
    if (size > MANIFEST_SIZE_BYTES_MAX) throw new RegistryError("protocol", `${this.#name}: manifest ${digest} has ${size} bytes, more than ${MANIFEST_SIZE_BYTES_MAX}`);
    const bytes = await collectBytes(this.#files.read(blobPath(digest)), MANIFEST_SIZE_BYTES_MAX);
    if (digestOf(bytes) !== digest) throw new RegistryError("protocol", `${this.#name}: ${blobPath(digest)} has other bytes than its name says`);
    return { descriptor: { mediaType: mediaTypeOf(this.#parse(bytes, digest)), digest, size: bytes.byteLength }, bytes };
  }

  async *blob(descriptor: Pick<Descriptor, "digest" | "size" | "data">, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { digest, size, data } = descriptor;
    if (data === undefined) await this.#blobSize(digest);
    const bytes = data === undefined ? this.#files.read(blobPath(digest)) : [Buffer.from(data, "base64")];
    for await (const chunk of verified(streamOf(bytes), digest, size)) {
      signal.throwIfAborted();
      yield chunk;
    }
  }

  /** By a `subject` of an entry of the index, or by the fallback tag of distribution-spec. */
  async referrers(digest: Digest): Promise<readonly Descriptor[]> {
    const { manifests } = await this.index();
    const list = await this.resolve(digest.replace(":", "-"));
    const listed = list === undefined ? [] : (this.#parse((await this.manifest(list.digest)).bytes, list.digest) as Partial<ImageIndex>).manifests ?? [];
    const found = [...listed];
    for (const entry of manifests) {
      if (!isManifest(entry.mediaType) || found.some((known) => known.digest === entry.digest)) continue;
      const manifest = this.#parse((await this.manifest(parseDigest(entry.digest))).bytes, entry.digest) as Partial<Manifest>;
      const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
      if (manifest.subject?.digest === digest) found.push({ ...entry, ...(artifactType === undefined ? {} : { artifactType }) });
    }
    return found;
  }

  async #blobSize(digest: Digest): Promise<number> {
    const size = await this.#files.size(blobPath(digest));
    if (size === undefined) throw new RegistryError("not-found", `${this.#name}: no blob ${digest}`);
    return size;
  }

  #parse(bytes: Uint8Array, what: string): object {
    try {
      const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
      if (typeof value === "object" && value !== null) return value;
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
    }
    throw new RegistryError("protocol", `${this.#name}: ${what} is no JSON object`);
  }
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** OCI's manifests may leave it out. */
function mediaTypeOf(document: object): string {
  const { mediaType, manifests } = document as { readonly mediaType?: unknown; readonly manifests?: unknown };
  if (typeof mediaType === "string" && mediaType !== "") return mediaType;
  return Array.isArray(manifests) ? MEDIA_TYPE.ociIndex : MEDIA_TYPE.ociManifest;
}

async function* streamOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
