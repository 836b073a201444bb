import { Readable } from "node:stream";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { CONFIG_BYTES_MAX } from "./cache-document.ts";
import { CacheError } from "./cache-error.ts";
import type { KeyedStore } from "./keyed-store.ts";
import { optionalPackage } from "./optional-package.ts";

export interface AzblobPlace {
  readonly accountUrl: string;
  readonly accountName: string;
  readonly container: string;
  /** All are read, and all are written. */
  readonly names: readonly string[];
  readonly manifestsPrefix: string;
  readonly blobsPrefix: string;
  /** Undefined: as Azure's tools find who they are. */
  readonly key: string | undefined;
}

/** What is used of `@azure/storage-blob`. */
interface AzureSdk {
  readonly StorageSharedKeyCredential: new (account: string, key: string) => object;
  readonly BlobServiceClient: new (url: string, credential: object) => { getContainerClient(name: string): ContainerClient };
}

interface Abortable {
  readonly abortSignal: AbortSignal;
}

interface ContainerClient {
  createIfNotExists(options: Abortable): Promise<object>;
  getBlockBlobClient(key: string): {
    exists(options: Abortable): Promise<boolean>;
    download(offset: number, count: undefined, options: Abortable): Promise<{ readonly readableStreamBody?: ByteStream }>;
    uploadStream(bytes: Readable, blockBytes: number, blocksInFlight: number, options: Abortable): Promise<object>;
  };
}

/** Of one block, and blocks at a time: BuildKit's. */
const BLOCK_BYTES = 32 * 1024 * 1024;
const BLOCKS_IN_FLIGHT_MAX = 4;

/** A container with BuildKit's keys; made where it is not there. The vendor's packages are loaded here and nowhere else. */
export async function openAzblobStore(place: AzblobPlace, signal: AbortSignal): Promise<KeyedStore> {
  const container = await containerOf(place);
  await ask(place, signal, () => container.createIfNotExists({ abortSignal: signal }));
  const blobKey = (digest: Digest): string => `${place.blobsPrefix}/${digest}`;
  const read = async (key: string, readSignal: AbortSignal): Promise<ByteStream | undefined> => {
    const answer = await ask(place, readSignal, () => container.getBlockBlobClient(key).download(0, undefined, { abortSignal: readSignal }));
    return answer?.readableStreamBody;
  };
  const put = async (key: string, bytes: ByteStream, putSignal: AbortSignal): Promise<void> => {
    await ask(place, putSignal, () => container.getBlockBlobClient(key).uploadStream(Readable.from(bytes, { objectMode: false }), BLOCK_BYTES, BLOCKS_IN_FLIGHT_MAX, { abortSignal: putSignal }));
  };
  async function* blob(digest: Digest, blobSignal: AbortSignal): ByteStream {
    const bytes = await read(blobKey(digest), blobSignal);
    if (bytes === undefined) throw new CacheError("missing", `${place.accountUrl} has no ${blobKey(digest)} any more`);
    yield* bytes;
  }
  return {
    parallelism: BLOCKS_IN_FLIGHT_MAX,
    blob,
    async configs(configSignal) {
      const found = await Promise.all(place.names.map(async (name) => {
        const bytes = await read(`${place.manifestsPrefix}/${name}`, configSignal);
        return bytes === undefined ? [] : [await collectBytes(bytes, CONFIG_BYTES_MAX)];
      }));
      return found.flat();
    },
    hasBlob: async (digest, askSignal) => (await ask(place, askSignal, () => container.getBlockBlobClient(blobKey(digest)).exists({ abortSignal: askSignal }))) === true,
    putBlob: ({ digest }, open, putSignal) => put(blobKey(digest), open(), putSignal),
    async putConfig(bytes, putSignal) {
      for (const name of place.names) await put(`${place.manifestsPrefix}/${name}`, bytesOf(bytes), putSignal);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function containerOf({ accountUrl, accountName, container, key }: AzblobPlace): Promise<ContainerClient> {
  const sdk = await optionalPackage<AzureSdk>("@azure/storage-blob", "type=azblob");
  const credential = key === undefined ? await foundCredential() : new sdk.StorageSharedKeyCredential(accountName, key);
  return new sdk.BlobServiceClient(accountUrl, credential).getContainerClient(container);
}

/** Azure's own search for who somebody is; a package of its own. */
async function foundCredential(): Promise<object> {
  const identity = await optionalPackage<{ readonly DefaultAzureCredential: new () => object }>("@azure/identity", "type=azblob without secret_access_key");
  return new identity.DefaultAzureCredential();
}

/** Undefined for what is not there. */
async function ask<T>({ accountUrl, container }: AzblobPlace, signal: AbortSignal, send: () => Promise<T>): Promise<T | undefined> {
  try {
    return await send();
  } catch (error) {
    signal.throwIfAborted();
    const { statusCode, code, message } = error as { readonly statusCode?: number; readonly code?: string; readonly message?: string };
    if (statusCode === 404 && code !== "ContainerNotFound") return undefined;
    throw new CacheError(statusCode === undefined || statusCode >= 500 ? "unavailable" : "invalid", `${accountUrl} (${container}): ${code ?? "failed"}: ${String(message).split("\n")[0]}`, { cause: error });
  }
}
