import type { CacheBlobs, ManifestSource } from "../cache/cache-source.ts";
import { CacheError } from "../cache/cache-error.ts";
import { combinedCaches, importedCache } from "../cache/imported-cache.ts";
import { resultOpener, type ResultMeans } from "../cache/open-result.ts";
import { keyedBlobs, readKeyedCache } from "../cache/keyed-store.ts";
import type { ReadCache } from "../cache/cache-document.ts";
import { readCache } from "../cache/read-cache.ts";
import type { Digest } from "../content/digest.ts";
import type { HttpClient } from "../host/http-client.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { formatReference, repositoryName, type Reference } from "../oci/reference.ts";
import type { ReportEvent } from "../progress/event.ts";
import { openOciLayout } from "../registry/oci-layout.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { SharedCache } from "../solver/shared-cache.ts";
import { openCacheStore, storeName } from "./cache-stores.ts";
import type { CacheImport } from "./plan-cache.ts";
import type { StepReporter } from "./step-reporter.ts";

/** The caches of a build that could be read. */
export interface CacheImports extends AsyncDisposable {
  readonly cache: SharedCache<LayerChain>;
}

/** A client that reaches a registry as the flag says: settings for others do not change. */
export type ClientFor = (place: { readonly reference: Reference; readonly insecure: boolean }) => RegistryClient;

export interface ImportMeans extends ResultMeans {
  readonly clientFor: ClientFor;
  readonly http: HttpClient;
  readonly steps: StepReporter;
  readonly report: ReportEvent;
}

/** Reads what is to be imported. What cannot be read is told of, and stops nothing. */
export async function importCaches(imports: readonly CacheImport[], means: ImportMeans, signal: AbortSignal): Promise<CacheImports> {
  await using opening = new AsyncDisposableStack();
  const caches = await Promise.all(imports.map(async (wanted) => {
    const warn = once((error: unknown): void => means.report({ kind: "notice", message: `WARNING: ${notConfigured(wanted, error).message}` }));
    try {
      return await means.steps.attempt(`importing cache manifest from ${importName(wanted)}`, async () => {
        try {
          return await openCaches(wanted, { ...means, opening, warn }, signal);
        } catch (error) {
          signal.throwIfAborted();
          throw notConfigured(wanted, error);
        }
      });
    } catch (error) {
      signal.throwIfAborted();
      warn(error instanceof Error ? error.cause : error);
      return [];
    }
  }));
  const closing = opening.move();
  return { cache: combinedCaches(caches.flat()), [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** As people name it. */
export function importName(wanted: CacheImport): string {
  switch (wanted.kind) {
    case "registry":
      return formatReference(wanted.reference);
    case "local":
      return `${wanted.src}:${wanted.tag}`;
    case "gha":
    case "s3":
    case "azblob":
      return storeName(wanted);
  }
}

/** In BuildKit's words. */
function notConfigured({ kind }: CacheImport, cause: unknown): Error {
  return new Error(`failed to configure ${kind} cache importer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

interface OpenMeans extends ImportMeans {
  readonly opening: AsyncDisposableStack;
  readonly warn: (error: unknown) => void;
}

async function openCaches(wanted: CacheImport, means: OpenMeans, signal: AbortSignal): Promise<ReadonlyArray<SharedCache<LayerChain>>> {
  if (wanted.kind !== "registry" && wanted.kind !== "local") {
    const store = means.opening.use(await openCacheStore(wanted, means.http, signal));
    return opened(await readKeyedCache(store, importName(wanted), signal), keyedBlobs(store, importName(wanted)), means);
  }
  const { source, root } = await openSource(wanted, means, signal);
  if (root === undefined) throw new CacheError("missing", `${source.name}: not found`);
  return opened(await readCache(source, root, signal), source, means);
}

function opened(caches: readonly ReadCache[], source: CacheBlobs, means: OpenMeans): ReadonlyArray<SharedCache<LayerChain>> {
  const blobs = remembering(source, means.warn);
  return caches.map((each) => importedCache(each.config, resultOpener(each, blobs, means)));
}

interface OpenedSource {
  readonly source: ManifestSource;
  readonly root: Descriptor | undefined;
}

async function openSource(wanted: Extract<CacheImport, { readonly kind: "registry" | "local" }>, { clientFor, opening }: OpenMeans, signal: AbortSignal): Promise<OpenedSource> {
  const name = importName(wanted);
  switch (wanted.kind) {
    case "registry": {
      const repository = clientFor(wanted).repository(wanted.reference, "pull");
      const root = await repository.resolve(wanted.reference.digest ?? wanted.reference.tag ?? "latest", signal);
      return { root, source: { name, repository: repositoryName(wanted.reference), manifest: (digest, s) => repository.manifest(digest, s), hasBlob: ({ digest }, s) => repository.hasBlob(digest, s), blob: (descriptor, s) => repository.blob(descriptor, s) } };
    }
    case "local": {
      const layout = opening.use(await openOciLayout(wanted.src, signal));
      const root = await layout.resolve(wanted.digest ?? wanted.tag, signal);
      return { root, source: { name, repository: undefined, manifest: (digest, s) => layout.manifest(digest, s), hasBlob: ({ digest }) => layout.hasBlob(digest), blob: (descriptor, s) => layout.blob(descriptor, s) } };
    }
  }
}

/** Asks for each blob once. A place that does not answer has nothing. */
function remembering(source: CacheBlobs, warn: (error: unknown) => void): CacheBlobs {
  const asked = new Map<Digest, Promise<boolean>>();
  return {
    ...source,
    hasBlob(descriptor, signal) {
      let answer = asked.get(descriptor.digest);
      if (answer === undefined) {
        answer = source.hasBlob(descriptor, signal).catch((error: unknown) => {
          signal.throwIfAborted();
          warn(error);
          return false;
        });
        asked.set(descriptor.digest, answer);
      }
      return answer;
    },
  };
}

function once(warn: (error: unknown) => void): (error: unknown) => void {
  let isTold = false;
  return (error) => {
    if (!isTold) warn(error);
    isTold = true;
  };
}
