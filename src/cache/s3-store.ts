import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import type { Clock } from "../host/clock.ts";
import { CONFIG_BYTES_MAX } from "./cache-document.ts";
import { CacheError } from "./cache-error.ts";
import type { KeyedStore } from "./keyed-store.ts";
import { optionalPackage } from "./optional-package.ts";
import { uploadObject, type ObjectName, type S3Command, type S3UploadSdk, type SendCommand } from "./s3-upload.ts";

export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  /** Undefined for Amazon's own. */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  /** Undefined: as Amazon's tools find them. */
  readonly credentials: { readonly id: string; readonly secret: string; readonly session: string | undefined } | undefined;
  /** The first one is read, all are written. */
  readonly names: readonly string[];
  readonly manifestsPrefix: string;
  readonly blobsPrefix: string;
  /** What was not used for so long is touched, so that rules about age do not take it away. In milliseconds. */
  readonly touchRefreshMs: number;
  readonly parallelism: number;
  readonly retryMode: "standard" | "adaptive" | undefined;
  readonly attemptsMax: number | undefined;
}

/** What is used of `@aws-sdk/client-s3`. */
interface S3Sdk extends S3UploadSdk {
  readonly S3Client: new (settings: object) => S3Client;
  readonly GetObjectCommand: new (input: ObjectName) => S3Command<{ readonly Body?: ByteStream }>;
  readonly HeadObjectCommand: new (input: ObjectName) => S3Command<{ readonly LastModified?: Date; readonly ContentLength?: number }>;
  readonly CopyObjectCommand: new (input: ObjectName & { readonly CopySource: string; readonly MetadataDirective: "REPLACE"; readonly Metadata: Readonly<Record<string, string>> }) => S3Command<object>;
}

interface S3Client {
  send<T>(command: S3Command<T>, options: { readonly abortSignal: AbortSignal }): Promise<T>;
  destroy(): void;
}

/** One request can copy no more. */
const COPY_BYTES_MAX = 5 * 1024 ** 3;

/** A bucket with BuildKit's keys. The vendor's package is loaded here and nowhere else. */
export async function openS3Store(place: S3Place, clock: Clock): Promise<KeyedStore> {
  const sdk = await optionalPackage<S3Sdk>("@aws-sdk/client-s3", "type=s3");
  const client = clientOf(sdk, place);
  const { bucket: Bucket } = place;
  const blobKey = (digest: Digest): string => place.blobsPrefix + digest;
  const read = async (Key: string, signal: AbortSignal): Promise<ByteStream | undefined> => {
    const answer = await ask(place, signal, () => client.send(new sdk.GetObjectCommand({ Bucket, Key }), { abortSignal: signal }));
    return answer?.Body;
  };
  const put = async (Key: string, content: { readonly bytes: ByteStream; readonly sizeBytes: number }, signal: AbortSignal): Promise<void> => {
    const send: SendCommand = (command, own = signal) => ask(place, own, () => client.send(command, { abortSignal: own }));
    await uploadObject(sdk, { Bucket, Key }, content, send);
  };
  async function* blob(digest: Digest, signal: AbortSignal): ByteStream {
    const bytes = await read(blobKey(digest), signal);
    if (bytes === undefined) throw new CacheError("missing", `s3://${Bucket} has no ${blobKey(digest)} any more`);
    yield* bytes;
  }
  return {
    parallelism: place.parallelism,
    blob,
    async configs(signal) {
      const bytes = await read(place.manifestsPrefix + (place.names[0] ?? ""), signal);
      return bytes === undefined ? [] : [await collectBytes(bytes, CONFIG_BYTES_MAX)];
    },
    async hasBlob(digest, signal) {
      const Key = blobKey(digest);
      const head = await ask(place, signal, () => client.send(new sdk.HeadObjectCommand({ Bucket, Key }), { abortSignal: signal }));
      if (head === undefined) return false;
      const ageMs = clock.now().getTime() - (head.LastModified?.getTime() ?? 0);
      if (ageMs > place.touchRefreshMs && (head.ContentLength ?? 0) <= COPY_BYTES_MAX) {
        const touch = new sdk.CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}`, MetadataDirective: "REPLACE", Metadata: { "updated-at": clock.now().toISOString() } });
        await ask(place, signal, () => client.send(touch, { abortSignal: signal }));
      }
      return true;
    },
    putBlob: ({ digest, size }, open, signal) => put(blobKey(digest), { bytes: open(), sizeBytes: size }, signal),
    async putConfig(bytes, signal) {
      for (const name of place.names) await put(place.manifestsPrefix + name, { bytes: bytesOf(bytes), sizeBytes: bytes.byteLength }, signal);
    },
    [Symbol.asyncDispose]: async () => client.destroy(),
  };
}

function clientOf(sdk: S3Sdk, { region, endpoint, pathStyle, credentials, retryMode, attemptsMax }: S3Place): S3Client {
  return new sdk.S3Client({
    region,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: pathStyle }),
    ...(retryMode === undefined ? {} : { retryMode }),
    ...(attemptsMax === undefined ? {} : { maxAttempts: attemptsMax }),
    ...(credentials === undefined ? {} : { credentials: { accessKeyId: credentials.id, secretAccessKey: credentials.secret, ...(credentials.session === undefined ? {} : { sessionToken: credentials.session }) } }),
  });
}

/** Undefined for what is not there. */
async function ask<T>({ bucket }: S3Place, signal: AbortSignal, send: () => Promise<T>): Promise<T | undefined> {
  try {
    return await send();
  } catch (error) {
    signal.throwIfAborted();
    // The SDK's errors have their status here; others have none. An answer to HEAD has no words.
    const status = (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode;
    const { name, message } = error as Error;
    if (status === 404 && name !== "NoSuchBucket") return undefined;
    throw new CacheError(status === undefined || status >= 500 ? "unavailable" : "invalid", `s3://${bucket}: ${message === "UnknownError" ? `status ${status}` : `${name}: ${message}`}`, { cause: error });
  }
}
