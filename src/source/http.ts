import { posix } from "node:path";
import type { ByteStream } from "../content/blob-store.ts";
import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, parseDigest, type Digest } from "../content/digest.ts";
import { shownUrl } from "../host/http-error.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { Layer } from "../snapshot/layer.ts";
import type { FileBlobStore } from "../store/file-blob-store.ts";
import type { StateDatabase } from "../store/state-database.ts";
import { SourceError } from "./source-error.ts";

/** What the file of a URL is called when the URL ends in no name, as BuildKit calls it. */
const UNNAMED = "download";

/** The answer to a request for a file. The body must be read to its end, or cancelled. */
export interface HttpAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: ByteStream;
}

export type HttpGet = (url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<HttpAnswer>;

/** A file of the web as a build wants it: BuildKit's `http.*` attributes. */
export interface HttpFileRequest {
  readonly url: string;
  readonly checksum: string | undefined;
  readonly filename: string | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface HttpFile {
  /** sha256 of the body; what provenance names. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly filename: string;
  readonly lastModifiedNs: bigint;
}

export interface HttpSourceServices {
  readonly get: HttpGet;
  readonly blobs: FileBlobStore;
  readonly layers: LayerStore;
  readonly database: StateDatabase;
  /** What this build has asked for. */
  readonly fetched: Map<string, Promise<HttpFile>>;
}

/** What the server said when we last fetched, to ask it whether that still holds (RFC 9110 §13). */
interface Remembered {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly digest: string;
  /** As the server or the URL has it. */
  readonly filename: string;
}

/**
 * Fetches the file, or learns that what we have is still it. All who ask for it in one build get the same.
 * Throws SourceError, naming the URL without credentials.
 */
export async function fetchHttpFile(request: HttpFileRequest, services: HttpSourceServices, signal: AbortSignal): Promise<HttpFile> {
  const key = JSON.stringify([request.url, request.checksum, request.filename]);
  let fetched = services.fetched.get(key);
  if (fetched === undefined) services.fetched.set(key, (fetched = fetchAnew(request, services, signal)));
  return await fetched;
}

async function fetchAnew(request: HttpFileRequest, services: HttpSourceServices, signal: AbortSignal): Promise<HttpFile> {
  const known = await remembered(request, services, signal);
  const answer = await services.get(request.url, conditions(known), signal);
  if (answer.status === 304 && known !== undefined) {
    for await (const _ of answer.body) void _;
    return await describe(known, request, services);
  }
  if (answer.status < 200 || answer.status > 299) throw refused(request.url, answer.status);
  const { digest } = await services.blobs.ingest(answer.body, signal);
  if (request.checksum !== undefined && digest !== request.checksum) throw mismatch(request.url, { found: digest, expected: request.checksum, before: rememberedOf(request.url, services)?.digest });
  const fresh = { etag: answer.header("etag"), lastModified: answer.header("last-modified"), digest, filename: filenameOf(request.url, answer) };
  services.database.saveFact("http", request.url, JSON.stringify(fresh));
  return await describe(fresh, request, services);
}

/** A layer with that one file. */
export async function httpLayer(request: HttpFileRequest, file: HttpFile, services: HttpSourceServices, signal: AbortSignal): Promise<Layer> {
  const entry = { path: file.filename, kind: "file", mode: request.mode, uid: request.uid, gid: request.gid, mtimeNs: file.lastModifiedNs, sizeBytes: file.sizeBytes } as const;
  const content = services.blobs.read(file.digest, signal);
  return await services.layers.write((async function* () { yield { entry, content }; })(), signal);
}

/** Covers the content and what the file is made to look like. */
export function httpKey(request: HttpFileRequest, file: HttpFile): Digest {
  return digestOf(Buffer.from(canonicalJson(["http", file.digest, file.filename, request.mode, request.uid, request.gid, file.lastModifiedNs])));
}

function rememberedOf(url: string, { database }: Pick<HttpSourceServices, "database">): Remembered | undefined {
  const text = database.fact("http", url);
  // Written by fetchHttpFile.
  return text === undefined ? undefined : (JSON.parse(text) as Remembered);
}

/** BuildKit has other words for a file that it had before. */
function mismatch(url: string, { found, expected, before }: { readonly found: Digest; readonly expected: string; readonly before: string | undefined }): SourceError {
  return new SourceError("corrupt", before === found ? `digest mismatch for ${shownUrl(new URL(url))}: ${found} (expected: ${expected})` : `digest mismatch ${found}: ${expected}`);
}

async function remembered(request: HttpFileRequest, { database, blobs }: HttpSourceServices, signal: AbortSignal): Promise<Remembered | undefined> {
  const known = rememberedOf(request.url, { database });
  if (known === undefined || (request.checksum !== undefined && known.digest !== request.checksum)) return undefined;
  return (await blobs.missing(new Set([parseDigest(known.digest)]), signal)).size === 0 ? known : undefined;
}

function conditions(known: Remembered | undefined): Record<string, string> {
  return {
    // A body that a proxy re-encodes on the way would have another digest.
    "accept-encoding": "identity",
    ...(known?.etag === undefined ? {} : { "if-none-match": known.etag }),
    ...(known?.lastModified === undefined ? {} : { "if-modified-since": known.lastModified }),
  };
}

/** The name that was asked for, whatever it was called when it was fetched. */
async function describe(known: Remembered, request: HttpFileRequest, { blobs }: HttpSourceServices): Promise<HttpFile> {
  const digest = parseDigest(known.digest);
  const sizeBytes = await blobs.sizeBytes(digest);
  if (sizeBytes === undefined) throw new SourceError("unavailable", `${digest}: was removed while it was needed; run the build again`);
  const modifiedMs = known.lastModified === undefined ? Number.NaN : Date.parse(known.lastModified);
  return { digest, sizeBytes, filename: request.filename || known.filename, lastModifiedNs: Number.isNaN(modifiedMs) ? 0n : BigInt(modifiedMs) * 1_000_000n };
}

function filenameOf(url: string, answer: HttpAnswer): string {
  const disposition = /filename="?([^";/]+)"?/.exec(answer.header("content-disposition") ?? "")?.[1];
  const last = posix.basename(decodeURIComponent(new URL(url).pathname));
  return disposition ?? (last === "" ? UNNAMED : last);
}

function refused(url: string, status: number): SourceError {
  const code = status === 404 || status === 410 ? "not-found" : status >= 500 || status === 429 ? "unavailable" : "not-found";
  return new SourceError(code, `invalid response status ${status} for ${shownUrl(new URL(url))}`);
}
