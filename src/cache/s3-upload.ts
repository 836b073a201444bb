import type { ByteStream } from "../content/blob-store.ts";
import { collectBytes } from "../content/bytes.ts";
import { inParts } from "../content/in-parts.ts";
import { CacheError } from "./cache-error.ts";

export interface ObjectName {
  readonly Bucket: string;
  readonly Key: string;
}

export interface S3Command<T> {
  readonly answers?: T;
}

type PartName = ObjectName & { readonly UploadId: string };

interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

/** What is used of `@aws-sdk/client-s3` to write an object. */
export interface S3UploadSdk {
  readonly PutObjectCommand: new (input: ObjectName & { readonly Body: Uint8Array }) => S3Command<object>;
  readonly CreateMultipartUploadCommand: new (input: ObjectName) => S3Command<{ readonly UploadId?: string }>;
  readonly UploadPartCommand: new (input: PartName & { readonly PartNumber: number; readonly Body: Uint8Array }) => S3Command<{ readonly ETag?: string }>;
  readonly CompleteMultipartUploadCommand: new (input: PartName & { readonly MultipartUpload: { readonly Parts: readonly SentPart[] } }) => S3Command<object>;
  readonly AbortMultipartUploadCommand: new (input: PartName) => S3Command<object>;
}

/** Rejects with CacheError. Not aborted with the rest where a signal of its own is given. */
export type SendCommand = <T>(command: S3Command<T>, signal?: AbortSignal) => Promise<T | undefined>;

/** What is held of an object in memory, and sent again where that fails: the SDK cannot begin a stream anew. */
const PART_BYTES = 16 * 1024 * 1024;

/** S3 takes no more, of however many bytes each. */
const PARTS_MAX = 10_000;

/** For taking back what was sent of an object that comes to nothing. */
const CLEAN_UP_MS = 10_000;

/** In one request, or in parts where it is large: one request may send no more than 5 GiB. Nobody sees a part of an object, and none stays. */
export async function uploadObject(sdk: S3UploadSdk, name: ObjectName, { bytes, sizeBytes }: { readonly bytes: ByteStream; readonly sizeBytes: number }, send: SendCommand): Promise<void> {
  if (sizeBytes <= PART_BYTES) {
    await send(new sdk.PutObjectCommand({ ...name, Body: await collectBytes(bytes, sizeBytes) }));
    return;
  }
  const UploadId = (await send(new sdk.CreateMultipartUploadCommand(name)))?.UploadId;
  if (UploadId === undefined) throw new CacheError("invalid", `s3://${name.Bucket} takes no upload in parts, and ${name.Key} is large`);
  const room = Buffer.allocUnsafeSlow(Math.max(PART_BYTES, Math.ceil(sizeBytes / PARTS_MAX)));
  try {
    const sent: SentPart[] = [];
    for await (const part of inParts(bytes, () => room)) {
      const PartNumber = sent.length + 1;
      const answer = await send(new sdk.UploadPartCommand({ ...name, UploadId, PartNumber, Body: part }));
      sent.push({ PartNumber, ETag: answer?.ETag });
    }
    await send(new sdk.CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts: sent } }));
  } catch (error) {
    // Whoever hears of the first failure needs no other.
    await send(new sdk.AbortMultipartUploadCommand({ ...name, UploadId }), AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
    throw error;
  }
}
