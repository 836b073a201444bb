import { createHash } from "node:crypto";
import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import type { Digest } from "../content/digest.ts";
import { assembleImage } from "../export/assemble.ts";
import { archivedEntries, layerBlob, type LayerBlob, type SerialiseContext } from "../export/layer-blob.ts";
import { archiveMembers, directoryMembers } from "../export/result-files.ts";
import { epochOf, type ExportTarget, type ImageForm } from "../export/target.ts";
import type { Platform } from "../oci/platform.ts";
import type { ComparedLayer, Listing } from "../rebuild/compared-layer.ts";
import type { ComparedImage } from "../rebuild/image-difference.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { serialiseLayers } from "./publish-image.ts";

/** What one platform of one run came to. */
export interface RunResult {
  readonly platform: Platform;
  /** The configuration as the frontend returned it. */
  readonly config: Uint8Array;
  readonly chain: LayerChain;
}

/** One run of a build, with what is needed to give its results the form of an output. */
export interface Run {
  readonly results: readonly RunResult[];
  readonly serialise: SerialiseContext;
  readonly epochNs: bigint | undefined;
}

/** The images that a run would publish in this form, one for each platform, without what is recorded of them. */
export async function comparedImages({ results, serialise, epochNs: buildNs }: Run, form: ImageForm, signal: AbortSignal): Promise<readonly ComparedImage[]> {
  const epochNs = epochOf(form.epoch, buildNs);
  const rewriteToNs = form.rewriteTimestamp ? epochNs : undefined;
  const blobForm = { compression: form.compression, mediaTypes: form.mediaTypes, rewriteToNs };
  const blobs = await serialiseLayers(results.flatMap(({ chain }) => chain), (layer) => layerBlob(layer, blobForm, serialise, signal));
  const images = results.map(({ platform, config, chain }) => ({ platform, config, statements: [], layers: chain.flatMap(({ id }) => blobs.get(id) ?? []) }));
  // Annotations of an index are allowed here: what is published has one, if only because of its records.
  const { platforms, documents } = assembleImage(images, form, { epochNs, indexAlways: true, evidence: { place: "index", manifest: "artifact" } });
  const document = (digest: Digest): Uint8Array => documents.get(digest) ?? new Uint8Array();
  return platforms.map(({ config, manifest }, i) => ({
    config: document(config.digest),
    manifest: document(manifest.digest),
    layers: (images[i]?.layers ?? []).map((blob) => comparedLayer(blob, rewriteToNs)),
  }));
}

function comparedLayer({ layer, diffId, descriptor }: LayerBlob, rewriteToNs: bigint | undefined): ComparedLayer {
  return {
    diffId, blob: descriptor.digest,
    entries: (signal) => archivedEntries(layer, rewriteToNs, signal),
    contentDigest: (entry, signal) => layer.contentDigest(entry, signal),
  };
}

type FilesTarget = Extract<ExportTarget, { readonly kind: "local" | "tar" }>;

/** The files that a run would publish, as if they were one layer, as precise in their times as the output is. */
export async function comparedFiles({ results, epochNs: buildNs }: Run, { kind, platformSplit, attestationPrefix, epoch }: FilesTarget, signal: AbortSignal): Promise<Listing> {
  const files = results.map(({ platform, chain }) => ({ platform, chain, attest: async () => [] }));
  const options = { multiPlatform: results.length > 1, platformSplit, attestationPrefix, epochNs: epochOf(epoch, buildNs), nowNs: 0n };
  const members = kind === "tar" ? archiveMembers(files, options, signal) : microseconds(directoryMembers(files, options, signal));
  const entries: Entry[] = [];
  const digests = new Map<string, Digest>();
  for await (const { entry, content } of members) {
    signal.throwIfAborted();
    entries.push(entry);
    const hash = createHash("sha256");
    for await (const chunk of content) hash.update(chunk);
    // digest("hex") is 64 characters of lower-case hex by construction.
    digests.set(entry.path, `sha256:${hash.digest("hex")}` as Digest);
  }
  return { entries: async () => entries, contentDigest: async ({ path }) => digests.get(path) ?? unlisted(path) };
}

async function* microseconds(members: AsyncIterable<Member>): AsyncIterable<Member> {
  for await (const { entry, content } of members) yield { entry: { ...entry, mtimeNs: entry.mtimeNs - (entry.mtimeNs % 1000n) }, content };
}

function unlisted(path: string): never {
  throw new RangeError(`/${path} is no file of this result`);
}
