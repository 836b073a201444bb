import type { Digest } from "../content/digest.ts";
import type { GrowingBlob } from "../content/growing-blob.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { isIndex, isManifest } from "../oci/media-type.ts";
import { eachLimited } from "./each-limited.ts";
import { readPushGraph, type PushGraph, type PushRoots, type ReadManifest } from "./push-graph.ts";
import type { Repository } from "./repository.ts";
import type { StreamedUpload } from "./streamed-upload.ts";

/** Uploads to one registry at a time, as dockerd does. */
const UPLOADS_IN_FLIGHT_MAX = 5;

/** One repository that something is pushed to. */
export interface PushDestination {
  /** Opened for pushing. */
  readonly repository: Repository;
  /** A repository of the same registry that may have a blob, such as that of the base image. */
  readonly mountFrom: (digest: Digest) => string | undefined;
  readonly onProgress: (progress: PushProgress) => void;
}

export interface PushRequest extends PushDestination, Pick<PushRoots, "content"> {
  readonly root: Descriptor;
  /** Empty pushes by digest only. */
  readonly tags: readonly string[];
}

/** How far one blob or manifest is. */
export interface PushProgress {
  readonly descriptor: Descriptor;
  readonly state: "present" | "mounted" | "sending" | "sent";
  /** Counts again from zero where sending has to start over. */
  readonly sentBytes: number;
}

/**
 * Pushes a graph of manifests with everything that they name: blobs first, then manifests from the leaves, tags last.
 * A push that fails half-way has changed no tag.
 */
export async function pushContent(request: PushRequest, signal: AbortSignal): Promise<void> {
  const push = new Push(request);
  const { content, root, tags } = request;
  if (tags.length === 0) await push.manifests({ content, roots: [root] }, "referrer", signal);
  else await push.tags({ content, root }, tags, signal);
}

interface EarlyUpload {
  readonly blob: GrowingBlob;
  readonly upload: StreamedUpload;
  /** Known once somebody asks for the blob; from then on it is told how far it is. */
  descriptor: Descriptor | undefined;
}

/**
 * A push in steps, for those who have something to decide on the way. What it has sent, it does not send again.
 */
export class Push implements AsyncDisposable {
  readonly #to: PushDestination;
  readonly #sent = new Set<Digest>();
  readonly #early: EarlyUpload[] = [];
  #isClosed = false;

  constructor(to: PushDestination) {
    this.#to = to;
  }

  get repository(): Repository {
    return this.#to.repository;
  }

  /**
   * Begins to send a blob that is still being made. Nobody can have it from there before a manifest that names it is sent too;
   * a blob that none names is taken back at the end.
   */
  early(blob: GrowingBlob): void {
    const underWay = this.#early.filter(({ upload }) => upload.state === "under-way").length;
    // Where it failed once, all else goes the usual way.
    if (this.#isClosed || underWay >= UPLOADS_IN_FLIGHT_MAX || this.#early.some(({ upload }) => upload.state === "failed")) return;
    const early: EarlyUpload = {
      blob, descriptor: undefined,
      upload: this.repository.streamBlob(blob, (sentBytes) => {
        if (early.descriptor !== undefined) this.#to.onProgress({ descriptor: early.descriptor, state: "sending", sentBytes });
      }),
    };
    this.#early.push(early);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#early.map(({ upload }) => upload.cancel()));
  }

  /**
   * Whether the repository has this manifest under each of these tags or digests, and all manifests below it. Whoever brought them
   * brought first what they name: so that is neither asked for nor sent any more.
   */
  async isThere({ content, root }: Pick<PushRequest, "content" | "root">, names: readonly string[], signal: AbortSignal): Promise<boolean> {
    const [first, ...others] = names.map((name) => ({ name, digest: root.digest }));
    if (first === undefined || !(await this.#isNamed(first, signal))) return false;
    const { blobs, levels } = await readPushGraph({ content, roots: [root] }, signal);
    const below = levels.flat().map(({ descriptor: { digest } }) => digest);
    let areAllThere = true;
    await eachLimited([...others, ...below.map((digest) => ({ name: digest, digest }))], UPLOADS_IN_FLIGHT_MAX, async (wanted, either) => {
      if (!(await this.#isNamed(wanted, either))) areAllThere = false;
    }, signal);
    if (areAllThere) for (const digest of [...blobs.keys(), ...below]) this.#sent.add(digest);
    return areAllThere;
  }

  async #isNamed({ name, digest }: { readonly name: string; readonly digest: Digest }, signal: AbortSignal): Promise<boolean> {
    return (await this.repository.resolve(name, signal))?.digest === digest;
  }

  /** Sends everything below manifests, and then themselves under their digests. A `referrer` is found by its subject, also where the registry keeps no lists. */
  async manifests(roots: PushRoots, as: "named" | "referrer", signal: AbortSignal): Promise<void> {
    const graph = await this.below(roots, signal);
    await this.#sendAll(graph.roots, as, signal);
  }

  /** Sends everything below a manifest, and then gives it these tags. */
  async tags({ content, root }: Pick<PushRequest, "content" | "root">, tags: readonly string[], signal: AbortSignal): Promise<void> {
    const { roots } = await this.below({ content, roots: [root] }, signal);
    for (const manifest of roots) for (const tag of tags) await this.#tag(manifest, tag, signal);
  }

  /** Sends everything below manifests, and tells what that was. */
  async below(roots: PushRoots, signal: AbortSignal): Promise<PushGraph> {
    const graph = await readPushGraph(roots, signal);
    const blobs = [...graph.blobs.values()].filter(({ digest }) => !this.#sent.has(digest));
    await eachLimited(blobs, UPLOADS_IN_FLIGHT_MAX, (blob, either) => this.#sendBlob(roots, blob, either), signal);
    for (const level of graph.levels) await this.#sendAll(level, "named", signal);
    return graph;
  }

  /** Sends what an index names: a manifest with everything below it, or a blob. It needs no tag, and no list of referrers has to name it. */
  async entry(content: PushRoots["content"], descriptor: Descriptor, signal: AbortSignal): Promise<void> {
    const isBlob = !isIndex(descriptor.mediaType) && !isManifest(descriptor.mediaType);
    if (!isBlob) await this.manifests({ content, roots: [descriptor] }, "named", signal);
    else if (!this.#sent.has(descriptor.digest)) await this.#sendBlob({ content }, descriptor, signal);
  }

  async #sendAll(manifests: readonly ReadManifest[], as: "named" | "referrer", signal: AbortSignal): Promise<void> {
    const left = manifests.filter(({ descriptor }) => !this.#sent.has(descriptor.digest));
    await eachLimited(left, UPLOADS_IN_FLIGHT_MAX, (manifest, either) => this.#send(manifest, as, either), signal);
  }

  async #sendBlob({ content }: Pick<PushRoots, "content">, descriptor: Descriptor, signal: AbortSignal): Promise<void> {
    const { repository, mountFrom, onProgress } = this.#to;
    const { digest, size } = descriptor;
    const early = this.#early.find(({ blob }) => blob.digest === digest);
    if (await repository.hasBlob(digest, signal)) {
      await early?.upload.cancel();
      onProgress({ descriptor, state: "present", sentBytes: 0 });
      this.#sent.add(digest);
      return;
    }
    if (early !== undefined) {
      early.descriptor = descriptor;
      onProgress({ descriptor, state: "sending", sentBytes: early.upload.sentBytes });
    }
    async function* open(open: AbortSignal): AsyncGenerator<Uint8Array> {
      let sentBytes = 0;
      onProgress({ descriptor, state: "sending", sentBytes });
      for await (const chunk of content.read(digest, open, "lent")) {
        yield chunk;
        sentBytes += chunk.byteLength;
        onProgress({ descriptor, state: "sending", sentBytes });
      }
    }
    const result = await repository.uploadBlob({ descriptor, open, mountFrom: mountFrom(digest), streamed: early?.upload }, signal);
    this.#sent.add(digest);
    onProgress(result === "mounted" ? { descriptor, state: "mounted", sentBytes: 0 } : { descriptor, state: "sent", sentBytes: size });
  }

  async #send({ descriptor, bytes }: ReadManifest, as: "named" | "referrer", signal: AbortSignal): Promise<void> {
    const { repository, onProgress } = this.#to;
    await repository.putManifest({ tag: undefined, mediaType: descriptor.mediaType, bytes, namedByIndex: as === "named" }, signal);
    this.#sent.add(descriptor.digest);
    onProgress({ descriptor, state: "sent", sentBytes: descriptor.size });
  }

  async #tag({ descriptor, bytes }: ReadManifest, tag: string, signal: AbortSignal): Promise<void> {
    const { repository, onProgress } = this.#to;
    // A registry may forbid to write a tag twice, which is no reason to fail where nothing would change.
    const isThere = await this.#isNamed({ name: tag, digest: descriptor.digest }, signal);
    if (!isThere) await repository.putManifest({ tag, mediaType: descriptor.mediaType, bytes, namedByIndex: false }, signal);
    onProgress({ descriptor, state: isThere ? "present" : "sent", sentBytes: isThere ? 0 : descriptor.size });
  }
}
