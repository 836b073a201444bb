import { assembleCache, cacheContent, type AssembledCache } from "../cache/assemble-cache.ts";
import type { SharedLayer } from "../cache/cache-source.ts";
import { writeKeyedCache } from "../cache/keyed-store.ts";
import { RecordGraph } from "../cache/record-graph.ts";
import { writeCacheLayout } from "../cache/write-cache-layout.ts";
import type { BlobStore } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { OnGrowing } from "../content/growing-blob.ts";
import { imageContent, layerBlob, type LayerBlob } from "../export/layer-blob.ts";
import { Push } from "../registry/push.ts";
import type { LayerId } from "../snapshot/layer.ts";
import type { BuildMeans } from "./build-means.ts";
import type { CacheExport, CacheForm } from "./plan-cache.ts";
import { openCacheStore } from "./cache-stores.ts";
import { serialiseLayers } from "./publish-image.ts";
import { pushProgress } from "./push-progress.ts";
import { mountSource } from "./push-target.ts";
import { sharedSteps, withResults, type SharedStep } from "./shared-steps.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";
import { WrittenBlobs } from "./written-blobs.ts";

/** Those that have a place of their own; an inline cache goes with the image. */
type PlacedExport = Exclude<CacheExport, { kind: "inline" }>;

const TITLES: Readonly<Record<PlacedExport["kind"], string>> = { registry: "exporting cache to registry", local: "exporting cache to client directory", gha: "exporting to GitHub Actions Cache", s3: "exporting cache to Amazon S3", azblob: "exporting cache to Azure Blob Storage" };

/** Writes what this build made to where others find it. Throws what the place says, unless that is to be ignored. */
export async function exportCaches(exports: readonly CacheExport[], solved: SolvedGraphs, means: BuildMeans, signal: AbortSignal): Promise<void> {
  const placed = exports.filter((each): each is PlacedExport => each.kind !== "inline");
  if (placed.length === 0) return;
  const steps = await sharedSteps(solved);
  for (const target of placed) await exportCache(target, steps, { solved, means }, signal);
}

interface ExportContext {
  readonly solved: SolvedGraphs;
  readonly means: BuildMeans;
}

async function exportCache(target: PlacedExport, steps: readonly SharedStep[], { solved, means }: ExportContext, signal: AbortSignal): Promise<void> {
  try {
    await means.services.steps.work(TITLES[target.kind], async (step) => {
      const told = withResults(steps, target.mode, solved.chains);
      const result = target.kind === "registry" || target.kind === "local" ? await exportManifest(target, told, { means, step }, signal) : await exportToStore(target, told, { means, step }, signal);
      if (result === "empty") means.services.steps.finished(step, "skipping cache export for empty result", undefined);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!target.ignoreError) throw error;
    means.report({ kind: "notice", message: `WARNING: ${TITLES[target.kind]} failed, and is ignored as asked: ${error instanceof Error ? error.message : String(error)}` });
  }
}

type ManifestExport = Extract<PlacedExport, { readonly form: CacheForm }>;

async function exportManifest(target: ManifestExport, steps: readonly SharedStep[], write: WriteMeans, signal: AbortSignal): Promise<"written" | "empty"> {
  let layers: readonly LayerBlob[] = [];
  const written = new WrittenBlobs(target.form.root);
  await using push = target.kind === "registry" ? openPush(target, () => layers, written, write) : undefined;
  const { steps: told } = write.means.services;
  const cache = await told.part(write.step, "preparing build cache for export", () => cacheOf(steps, target.form, { means: write.means, onGrowing: push && ((blob) => push.early(blob)) }, signal));
  if (cache.assembled.layers.length === 0) return "empty";
  ({ layers } = cache);
  written.assembled = cache.assembled;
  await told.part(write.step, "sending cache export", async () => {
    await writeManifest(target, cache, { ...write, push }, signal);
    for (const title of written.titlesOfRest(cache.assembled)) told.finished(write.step, title, undefined);
  });
  return "written";
}

function openPush(target: Extract<ManifestExport, { readonly kind: "registry" }>, layers: () => readonly LayerBlob[], written: WrittenBlobs, { means, step }: WriteMeans): Push {
  const { reference } = target;
  return new Push({
    repository: means.clientFor(target).repository(reference, "push"),
    mountFrom: (digest) => mountSource(layers(), digest, reference.domain),
    onProgress: pushProgress(means.services.steps, step, (digest) => written.title(digest)),
  });
}

/** Places without manifests say nothing of compression: layers there have what images have by default. */
const STORED: CacheForm["compression"] = { kind: "gzip", level: undefined, force: false };

async function exportToStore(target: Exclude<PlacedExport, ManifestExport>, steps: readonly SharedStep[], { means, step }: WriteMeans, signal: AbortSignal): Promise<"written" | "empty"> {
  const { blobs: stored } = means.publish.serialise;
  const blobs = await blobsOf(steps, { compression: STORED, mediaTypes: "oci" }, { means, onGrowing: undefined }, signal);
  await using store = await openCacheStore(target, means.http, signal);
  const content = imageContent(new Map(), [...blobs.values()], stored);
  return await writeKeyedCache(recordGraph(steps, blobs), {
    layers: new Map([...blobs.values()].map((blob) => [blob.descriptor.digest, sharedLayer(blob, blob.descriptor.digest)])),
    read: (digest, readSignal) => content.read(digest, readSignal),
    onWritten: ({ descriptor }) => means.services.steps.finished(step, `writing layer ${descriptor.digest}`, descriptor.size),
  }, store, signal);
}

interface SerialiseMeans {
  readonly means: BuildMeans;
  readonly onGrowing: OnGrowing | undefined;
}

async function blobsOf(steps: readonly SharedStep[], form: Pick<CacheForm, "compression" | "mediaTypes">, { means: { publish }, onGrowing }: SerialiseMeans, signal: AbortSignal): Promise<ReadonlyMap<LayerId, LayerBlob>> {
  return await serialiseLayers(steps.flatMap(({ chain }) => chain ?? []), (layer) => layerBlob(layer, { ...form, rewriteToNs: undefined }, { ...publish.serialise, onGrowing }, signal));
}

interface ReadableCache {
  readonly assembled: AssembledCache;
  readonly layers: readonly LayerBlob[];
  readonly content: Pick<BlobStore, "read">;
}

async function cacheOf(steps: readonly SharedStep[], form: CacheForm, serialise: SerialiseMeans, signal: AbortSignal): Promise<ReadableCache> {
  const { means } = serialise;
  const blobs = await blobsOf(steps, form, serialise, signal);
  const graph = recordGraph(steps, blobs);
  const byDigest = new Map([...blobs.values()].map((blob) => [blob.descriptor.digest, blob]));
  const assembled = assembleCache(graph.config(() => undefined), (digest) => sharedLayer(byDigest.get(digest), digest), form);
  const layers = [...blobs.values()];
  return { assembled, layers, content: cacheContent(assembled, imageContent(new Map(), layers, means.publish.serialise.blobs)) };
}

/** The records of these steps, whose results lie in these blobs. */
export function recordGraph(steps: readonly SharedStep[], blobs: ReadonlyMap<LayerId, LayerBlob>): RecordGraph {
  const graph = new RecordGraph();
  for (const { recipes, chain } of steps) {
    const layers = chain?.map(({ id }) => blobs.get(id)).filter((blob) => blob !== undefined) ?? [];
    const result = layers.length === 0 ? undefined : { blobs: layers.map(({ descriptor }) => descriptor.digest), createdNs: layers.at(-1)?.createdNs ?? 0n };
    for (const recipe of recipes) graph.add(recipe, result);
  }
  return graph;
}

function sharedLayer(blob: LayerBlob | undefined, digest: Digest): SharedLayer {
  if (blob === undefined) throw new RangeError(`no layer ${digest}`);
  return { descriptor: blob.descriptor, diffId: blob.diffId, createdNs: blob.createdNs };
}

interface WriteMeans {
  readonly means: BuildMeans;
  readonly step: Digest;
}

interface ManifestMeans extends WriteMeans {
  /** Undefined where the place is no registry. */
  readonly push: Push | undefined;
}

async function writeManifest(target: ManifestExport, { assembled, content }: ReadableCache, { means, push }: ManifestMeans, signal: AbortSignal): Promise<void> {
  if (target.kind === "registry") await push?.tags({ content, root: assembled.root }, [target.reference.tag ?? "latest"], signal);
  else await writeCacheLayout(assembled, content, { path: target.dest, tag: target.tag, reset: target.reset, whileLocked: means.publish.whileLocked }, signal);
}
