import { writeTar } from "../archive/tar-writer.ts";
import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { OnGrowing } from "../content/growing-blob.ts";
import { rfc3339Nano, secondsOnly } from "../content/timestamp.ts";
import { assembleImage, platformManifest, type AssembledImage, type PlatformImage } from "../export/assemble.ts";
import { writingTo } from "../export/destination-refusal.ts";
import { loadIntoEngine } from "../export/docker-engine.ts";
import { evidenceForms, type EvidenceForm } from "../export/evidence.ts";
import { writeEvidenceFiles, type EvidenceFiles } from "../export/evidence-files.ts";
import { writeToDestination } from "../export/file-destination.ts";
import { refuseLayers, refuseTarget } from "../export/form-limits.ts";
import { imageContent, layerBlob, type LayerBlob } from "../export/layer-blob.ts";
import { LayoutExport } from "../export/layout-export.ts";
import { dockerMembers, layoutMembers, type LayoutNaming, type ReadableImage } from "../export/layout.ts";
import { epochOf, type ImageTarget } from "../export/target.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { formatReference, parseReference, tagNameOnly } from "../oci/reference.ts";
import type { LayerChain, LayerId } from "../snapshot/layer.ts";
import type { EvidencePlace } from "./build-outcome.ts";
import type { LayerDescriptors, PlatformResult } from "./platform-result.ts";
import type { PublishContext } from "./publish-context.ts";
import type { FormChoice } from "./push-evidence.ts";
import type { ImagePush } from "./push-image.ts";

/** Layers serialised at a time: one is compressed while the next one is read. */
const LAYERS_IN_FLIGHT_MAX = 2;

/** What an output became, where it became an image. */
export interface PublishedImage {
  readonly image: AssembledImage;
  readonly names: readonly string[];
  readonly root: Descriptor;
  /** As the image has them. */
  readonly layers: LayerDescriptors;
  readonly evidence: EvidencePlace;
  /** False where the image was decided only, and is nowhere to be read. */
  readonly isStored: boolean;
  /** By which it can be read from now on; undefined for what is in no registry and in no layout. */
  readonly reference: string | undefined;
}

export interface ImageContext extends PublishContext {
  readonly step: Digest;
}

/**
 * The statements about the image exist before the first byte of it can be had from a registry, and are in their place before it gets
 * a name. Layers are sent, or copied, while they are made; until the statements are there, they are uploads without an end.
 */
export async function publishImage(target: ImageTarget, results: readonly PlatformResult[], context: ImageContext, signal: AbortSignal): Promise<PublishedImage> {
  const { means } = context;
  const options = { ...context.options, epochNs: epochOf(target.form.epoch, context.options.epochNs) };
  const attests = options.attests(target);
  const forms = evidenceForms(target.form.evidence);
  refuseTarget(target, { platforms: results.map(({ platform }) => platform), evidence: attests ? forms[0].place : "apart", indexAlways: options.indexAlways });
  await using push = target.kind === "image" && target.push ? means.openPush({ names: target.form.names, insecure: target.insecure, step: context.step }) : undefined;
  await using layout = target.kind === "oci-directory" ? new LayoutExport(target.path, means.whileLocked) : undefined;
  const { platforms, descriptors } = await platformImages(target, results, { ...context, options, attests, onGrowing: options.streamsLayers ? (push ?? layout)?.early : undefined }, signal);
  const { store } = target.form.evidence;
  await using files = store.kind === "file" && attests ? await writeEvidenceFiles(store.directory, platforms) : NO_FILES;

  const naming: LayoutNaming = { names: target.form.names, created: rfc3339Nano(secondsOnly(options.epochNs ?? means.clock.nowNs())) };
  const choice = { forms, inForm: formsOf(platforms, target, { ...context, options }) };
  const { image } = await writeImage(target, { ...context, choice, files, naming, push, layout }, signal);
  const evidence = placeOf(image, files);
  // BuildKit tells of an archive's names in full, and of when it was made; of a pushed image's as they were given.
  if (target.kind === "image") return { image, names: target.form.names, root: image.root, layers: descriptors, evidence, isStored: target.push, reference: referenceOf(target, image.root.digest) };
  const annotations = { "org.opencontainers.image.created": naming.created, ...image.root.annotations };
  return { image, names: target.form.names.map((name) => formatReference(tagNameOnly(parseReference(name)))), root: { ...image.root, annotations }, layers: descriptors, evidence, isStored: true, reference: referenceOf(target, image.root.digest) };
}

function referenceOf(target: ImageTarget, digest: Digest): string | undefined {
  if (target.kind === "oci-directory") return `oci-layout://${target.path}`;
  const [name] = target.form.names;
  if (target.kind !== "image" || !target.push || name === undefined) return undefined;
  const { domain, path } = parseReference(name);
  return target.byDigest ? formatReference({ domain, path, digest }) : name;
}

const NO_FILES: EvidenceFiles = { paths: [], publish: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() };

function placeOf({ evidence, attestations }: AssembledImage, { paths }: EvidenceFiles): EvidencePlace {
  if (paths.length > 0) return { kind: "file", paths };
  if (attestations.length === 0 || evidence.place === "apart") return { kind: "none" };
  return { kind: evidence.place, attestations: attestations.map(({ digest }) => digest) };
}

interface WriteContext extends ImageContext {
  readonly choice: FormChoice;
  readonly files: EvidenceFiles;
  readonly naming: LayoutNaming;
  /** Undefined where nothing is pushed. */
  readonly push: ImagePush | undefined;
  /** Where there is one, what of the image has been copied into it. */
  readonly layout: LayoutExport | undefined;
}

async function writeImage(target: ImageTarget, { means, step, choice, files, naming, push, layout }: WriteContext, signal: AbortSignal): Promise<ReadableImage> {
  if (target.kind === "image" && push !== undefined) {
    return await push.push({ ...choice, byDigest: target.byDigest, beforeTags: () => files.publish() }, signal);
  }
  const readable = choice.inForm(choice.forms[0]);
  await files.publish();
  switch (target.kind) {
    case "image":
      break;
    case "oci-tar":
      await means.steps.part(step, "sending tarball", () => writeImageTar(target, writeTar(layoutMembers(readable, naming, signal), "lent"), means, signal));
      break;
    case "oci-directory":
      await writingTo(target, () => (layout ?? new LayoutExport(target.path, means.whileLocked)).write(readable, naming, signal));
      break;
    case "docker-tar":
      await means.steps.part(step, "sending tarball", () => writeImageTar(target, writeTar(dockerMembers(readable, naming, signal), "lent"), means, signal));
      break;
  }
  return readable;
}

async function writeImageTar(target: Extract<ImageTarget, { readonly kind: "oci-tar" | "docker-tar" }>, tar: ByteStream, { stdout, steps }: PublishContext["means"], signal: AbortSignal): Promise<void> {
  const { destination } = target;
  if (destination.kind === "engine") await loadIntoEngine(destination.address, tar, { signal, importing: (read) => steps.work("importing to docker", (step) => read((layer, sizeBytes) => steps.finished(step, `loading layer ${layer}`, sizeBytes))) });
  else await writingTo(target, () => writeToDestination(destination, tar, stdout, signal));
}

/** Puts the image together in any form, and tells of each manifest and configuration once. */
function formsOf(platforms: readonly PlatformImage[], target: ImageTarget, { means, options, step }: ImageContext): FormChoice["inForm"] {
  const made = new Map<EvidenceForm, ReadableImage>();
  const told = new Set<string>();
  return (evidence) => {
    const known = made.get(evidence);
    if (known !== undefined) return known;
    const image = assembleImage(platforms, target.form, { ...options, evidence });
    for (const document of documentTitles(image)) if (!told.has(document)) means.steps.finished(step, document, undefined);
    for (const document of documentTitles(image)) told.add(document);
    const readable: ReadableImage = { image, content: imageContent(image.documents, image.layers, means.serialise.blobs) };
    made.set(evidence, readable);
    return readable;
  };
}

/** What an image is made of, in BuildKit's words. */
function documentTitles({ platforms, attestations, manifests, root }: AssembledImage): readonly string[] {
  const known = new Set([...platforms.map(({ manifest }) => manifest.digest), ...attestations.map(({ digest }) => digest)]);
  return [
    ...platforms.flatMap(({ manifest, config }) => [`exporting manifest ${manifest.digest}`, `exporting config ${config.digest}`]),
    ...attestations.map(({ digest }) => `exporting attestation manifest ${digest}`),
    ...manifests.filter(({ digest }) => digest !== root.digest && !known.has(digest)).map(({ digest }) => `exporting manifest ${digest}`),
    ...(known.has(root.digest) ? [] : [`exporting manifest list ${root.digest}`]),
  ];
}

interface LayersContext extends ImageContext {
  readonly attests: boolean;
  readonly onGrowing: OnGrowing | undefined;
}

interface SerialisedImages {
  readonly platforms: readonly PlatformImage[];
  readonly descriptors: LayerDescriptors;
}

async function platformImages(target: ImageTarget, results: readonly PlatformResult[], { means, options, step, attests, onGrowing }: LayersContext, signal: AbortSignal): Promise<SerialisedImages> {
  const rewriteToNs = target.form.rewriteTimestamp ? options.epochNs : undefined;
  const form = { compression: target.form.compression, mediaTypes: target.form.mediaTypes, rewriteToNs };
  const serialised = (): Promise<ReadonlyMap<LayerId, LayerBlob>> => serialiseLayers(results.flatMap(({ chain }) => chain), (layer) => layerBlob(layer, form, { ...means.serialise, onGrowing }, signal));
  const exported = (): ReturnType<typeof serialised> => means.steps.part(step, "exporting layers", serialised);
  const blobs = rewriteToNs === undefined ? await exported() : await means.steps.part(step, rewriteTitle(rewriteToNs), exported);
  refuseLayers(target.form, [...blobs.values()].map(({ descriptor }) => descriptor));
  const descriptors: LayerDescriptors = new Map([...blobs].map(([id, { descriptor }]) => [id, descriptor]));
  const decided = await Promise.all(results.map(async (result) => {
    // The chain was serialised above, layer by layer.
    const layers = result.chain.map(({ id }) => blobs.get(id)).filter((blob) => blob !== undefined);
    const plain = { platform: result.platform, config: (await options.inlineCache?.(result, blobs)) ?? result.config, layers };
    return { result, plain, manifest: platformManifest(plain, target.form, options.epochNs) };
  }));
  const about = { names: target.form.names, manifests: decided.map(({ manifest }) => manifest.digest), attestInline: options.attestsInline(target) };
  const platforms = await Promise.all(decided.map(async ({ result, plain, manifest }): Promise<PlatformImage> => ({
    ...plain,
    statements: attests ? await result.attestImage({ ...about, manifest }, descriptors) : [],
  })));
  return { platforms, descriptors };
}

/** With the time as Go prints it. */
function rewriteTitle(epochNs: bigint): string {
  const seconds = epochNs / 1_000_000_000n;
  return `rewriting layers with source-date-epoch ${seconds} (${rfc3339Nano(seconds * 1_000_000_000n).replace("T", " ").replace("Z", " +0000 UTC")})`;
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
