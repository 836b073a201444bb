import { rfc3339Nano } from "../content/timestamp.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { assembleImage, platformManifest, type AssembledImage, type PlatformImage } from "../export/assemble.ts";
import { destinationRefusal, writingTo } from "../export/destination-refusal.ts";
import { writeToDestination, type WriteStdout } from "../export/file-destination.ts";
import { refuseTarget } from "../export/form-limits.ts";
import { imageContent, layerBlob, type LayerBlob, type SerialiseContext } from "../export/layer-blob.ts";
import { writeLayoutDirectory } from "../export/layout-directory.ts";
import { dockerMembers, layoutMembers, type LayoutNaming, type ReadableImage } from "../export/layout.ts";
import { writeLocalDirectory } from "../export/local-directory.ts";
import { archiveMembers, directoryMembers, resultMembers, type FilesOptions, type PlatformFiles, type ResultFile } from "../export/result-files.ts";
import type { Statement } from "../export/statement.ts";
import type { ExportTarget, ImageTarget } from "../export/target.ts";
import type { Clock } from "../host/clock.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { formatReference, parseReference, tagNameOnly } from "../oci/reference.ts";
import type { Platform } from "../oci/platform.ts";
import type { LayerChain, LayerId } from "../snapshot/layer.ts";
import type { PushImage } from "./push-image.ts";
import type { StepReporter } from "./step-reporter.ts";

/** Layers serialised at a time: one is compressed while the next one is read. */
const LAYERS_IN_FLIGHT_MAX = 2;

/** Descriptors of layers by layer: how statements name what a step made. */
export type LayerDescriptors = ReadonlyMap<LayerId, Descriptor>;

/** One platform's result, with who can speak for it. */
export interface PlatformResult {
  readonly platform: Platform;
  /** The configuration as the frontend returned it. */
  readonly config: Uint8Array;
  readonly chain: LayerChain;
  attestImage(subject: AttestedImage, layers: LayerDescriptors): Promise<readonly Statement[]>;
  readonly attestFiles: (files: readonly ResultFile[]) => Promise<readonly Statement[]>;
}

export interface AttestedImage {
  readonly names: readonly string[];
  readonly manifest: Descriptor;
  /** True where it is written to a file, and not pushed or kept: some statements go with images alone. */
  readonly isArchive: boolean;
}

export interface PublishMeans {
  readonly serialise: SerialiseContext;
  readonly push: PushImage;
  readonly steps: StepReporter;
  readonly stdout: WriteStdout;
  readonly clock: Clock;
}

export interface PublishOptions {
  readonly epochNs: bigint | undefined;
  readonly indexAlways: boolean;
  /** False where there is nothing but a provenance that is only for images (`inline-only=true`). */
  readonly attestArchives: boolean;
}

/** What an output became, where it became an image. */
export interface PublishedImage {
  readonly image: AssembledImage;
  readonly names: readonly string[];
  readonly root: Descriptor;
}

/** Sends the result to one target. Nothing has a name there before all of it is there. */
export async function publish(target: ExportTarget, results: readonly PlatformResult[], context: PublishContext, signal: AbortSignal): Promise<PublishedImage | undefined> {
  try {
    return await publishTo(target, results, context, signal);
  } catch (error) {
    throw destinationRefusal(error, target);
  }
}

interface PublishContext {
  readonly means: PublishMeans;
  readonly options: PublishOptions;
}

async function publishTo(target: ExportTarget, results: readonly PlatformResult[], context: PublishContext, signal: AbortSignal): Promise<PublishedImage | undefined> {
  const { means } = context;
  switch (target.kind) {
    case "image":
    case "oci-tar":
    case "oci-directory":
    case "docker-tar":
      return await means.steps.work(TITLES[target.kind], (step) => publishImage(target, results, { ...context, step }, signal));
    case "local":
      await means.steps.work("exporting to client directory", () => writingTo(target, () => writeLocalDirectory(target.path, directoryMembers(results.map(filesOf), filesOptions(target, context), signal), signal)));
      return undefined;
    case "tar": {
      const tar = writeTar(archiveMembers(resultMembers(results.map(filesOf), filesOptions(target, context), signal)));
      await means.steps.work("exporting to client tarball", () => writingTo(target, () => writeToDestination(target.destination, tar, means.stdout, signal)));
      return undefined;
    }
    case "cacheonly":
      return undefined;
  }
}

const TITLES: Readonly<Record<ImageTarget["kind"], string>> = {
  image: "exporting to image",
  "oci-tar": "exporting to oci image format",
  "oci-directory": "exporting to oci image format",
  "docker-tar": "exporting to docker image format",
};

interface ImageContext extends PublishContext {
  readonly step: Parameters<StepReporter["finished"]>[0];
}

async function publishImage(target: ImageTarget, results: readonly PlatformResult[], context: ImageContext, signal: AbortSignal): Promise<PublishedImage> {
  const { means, options } = context;
  if (target.kind !== "image") refuseTarget(target, { platforms: results.map(({ platform }) => platform), attests: options.attestArchives, indexAlways: options.indexAlways });
  const image = await assemble(target, results, context, signal);
  const readable: ReadableImage = { image, content: imageContent(image.documents, image.layers, means.serialise.blobs) };
  const naming: LayoutNaming = { names: target.form.names, created: rfc3339Nano(secondsOnly(options.epochNs ?? means.clock.nowNs())) };
  switch (target.kind) {
    case "image":
      if (target.push !== "no") await means.push({ readable, names: target.form.names, byDigest: target.push === "by-digest", step: context.step }, signal);
      break;
    case "oci-tar":
      await writingTo(target, () => writeToDestination(target.destination, writeTar(layoutMembers(readable, naming, signal)), means.stdout, signal));
      break;
    case "oci-directory":
      await writingTo(target, () => writeLayoutDirectory(target.path, readable, naming, signal));
      break;
    case "docker-tar":
      await writingTo(target, () => writeToDestination(target.destination, writeTar(dockerMembers(readable, naming, signal)), means.stdout, signal));
      break;
  }
  // BuildKit tells of an archive's names in full, and of when it was made; of a pushed image's as they were given.
  if (target.kind === "image") return { image, names: target.form.names, root: image.root };
  const annotations = { "org.opencontainers.image.created": naming.created, ...image.root.annotations };
  return { image, names: target.form.names.map((name) => formatReference(tagNameOnly(parseReference(name)))), root: { ...image.root, annotations } };
}

async function assemble(target: ImageTarget, results: readonly PlatformResult[], { means, options, step }: ImageContext, signal: AbortSignal): Promise<AssembledImage> {
  const rewriteToNs = target.form.rewriteTimestamp ? options.epochNs : undefined;
  const form = { compression: target.form.compression, mediaTypes: target.form.mediaTypes, rewriteToNs };
  const blobs = await serialiseLayers(results.flatMap(({ chain }) => chain), (layer) => layerBlob(layer, form, means.serialise, signal));
  means.steps.finished(step, "exporting layers", undefined);
  const descriptors: LayerDescriptors = new Map([...blobs].map(([id, { descriptor }]) => [id, descriptor]));
  const attests = target.kind === "image" || options.attestArchives;
  const images = await Promise.all(results.map(async (result): Promise<PlatformImage> => {
    // The chain was serialised above, layer by layer.
    const layers = result.chain.map(({ id }) => blobs.get(id)).filter((blob) => blob !== undefined);
    const plain = { platform: result.platform, config: result.config, layers };
    if (!attests) return { ...plain, statements: [] };
    const manifest = platformManifest(plain, target.form, options.epochNs);
    return { ...plain, statements: await result.attestImage({ names: target.form.names, manifest, isArchive: target.kind !== "image" }, descriptors) };
  }));
  const image = assembleImage(images, target.form, options);
  for (const { digest } of image.manifests) means.steps.finished(step, `exporting manifest ${digest}`, undefined);
  return image;
}

/** Each layer once, several at a time. */
export async function serialiseLayers(chain: LayerChain, serialise: (layer: LayerChain[number]) => Promise<LayerBlob>): Promise<ReadonlyMap<LayerId, LayerBlob>> {
  const layers = new Map(chain.map((layer) => [layer.id, layer]));
  const blobs = new Map<LayerId, LayerBlob>();
  const rest = layers.values();
  const work = async (): Promise<void> => {
    // One iterator is shared by all workers: each takes the next layer that nobody has taken.
    for (const layer of rest) blobs.set(layer.id, await serialise(layer));
  };
  await Promise.all(Array.from({ length: LAYERS_IN_FLIGHT_MAX }, work));
  return blobs;
}

function filesOf({ platform, chain, attestFiles }: PlatformResult): PlatformFiles {
  return { platform, chain, attest: attestFiles };
}

function filesOptions(target: Extract<ExportTarget, { kind: "local" | "tar" }>, { means, options }: { means: PublishMeans; options: PublishOptions }): FilesOptions {
  return { platformSplit: target.platformSplit, attestationPrefix: target.attestationPrefix, epochNs: options.epochNs, nowNs: secondsOnly(means.clock.nowNs()) };
}

function secondsOnly(ns: bigint): bigint {
  return ns - (ns % 1_000_000_000n);
}
