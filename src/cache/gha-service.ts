import { collectBytes, bytesOf } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { digestOf } from "../content/digest.ts";
import { HttpError } from "../host/http-error.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../host/http-client.ts";
import { CacheError } from "./cache-error.ts";
import { parseJson, objectOf } from "./parse-cache-config.ts";

/** GitHub's cache service of a job, in the version that it speaks. */
export interface GhaPlace {
  readonly url: string;
  readonly token: string;
  readonly version: 1 | 2;
}

export interface GhaEntry {
  readonly key: string;
  readonly location: string;
}

export interface GhaUpload {
  readonly sizeBytes: number;
  readonly open: () => ByteStream;
}

/** Entries are written once; a key that ends early finds the newest that begins with it. */
export interface GhaService {
  find(key: string, signal: AbortSignal): Promise<GhaEntry | undefined>;
  read(entry: GhaEntry, signal: AbortSignal): ByteStream;
  /** `taken` where somebody else has the key, or is writing it. */
  write(key: string, upload: GhaUpload, signal: AbortSignal): Promise<"written" | "taken">;
}

/** What BuildKit's client sends in its place: GitHub wants to know which tool wrote an entry. */
const ENTRY_VERSION: string = digestOf(Buffer.from("|go-actionscache-1.0")).slice("sha256:".length);
const ANSWER_BYTES_MAX = 32 * 1024;
/** Of one request to version 1. */
const PIECE_BYTES = 32 * 1024 * 1024;

export function openGhaService(place: GhaPlace, http: HttpClient): GhaService {
  const call = new GhaCalls(place, http);
  return {
    find: (key, signal) => (place.version === 2 ? call.findV2(key, signal) : call.findV1(key, signal)),
    read: (entry, signal) => call.read(entry, signal),
    write: (key, upload, signal) => (place.version === 2 ? call.writeV2(key, upload, signal) : call.writeV1(key, upload, signal)),
  };
}

class GhaCalls {
  readonly #place: GhaPlace;
  readonly #http: HttpClient;

  constructor(place: GhaPlace, http: HttpClient) {
    this.#place = place;
    this.#http = http;
  }

  async findV1(key: string, signal: AbortSignal): Promise<GhaEntry | undefined> {
    const answer = await this.#ask({ method: "GET", url: this.#v1(`cache?keys=${encodeURIComponent(key)}&version=${ENTRY_VERSION}`) }, signal);
    const { cacheKey, archiveLocation } = await jsonOf(answer);
    return typeof cacheKey === "string" && typeof archiveLocation === "string" ? { key: cacheKey, location: archiveLocation } : undefined;
  }

  async findV2(key: string, signal: AbortSignal): Promise<GhaEntry | undefined> {
    const { ok, matched_key: matched, signed_download_url: location } = await this.#twirp("GetCacheEntryDownloadURL", { key, restore_keys: [key], version: ENTRY_VERSION }, signal);
    return ok === true && typeof matched === "string" && typeof location === "string" ? { key: matched, location } : undefined;
  }

  async *read({ location }: GhaEntry, signal: AbortSignal): ByteStream {
    const answer = await this.#send({ method: "GET", url: new URL(location) }, signal);
    yield* answer.body;
  }

  async writeV1(key: string, { sizeBytes, open }: GhaUpload, signal: AbortSignal): Promise<"written" | "taken"> {
    const reserved = await this.#ask({ method: "POST", url: this.#v1("caches"), ...jsonBody({ key, version: ENTRY_VERSION }) }, signal, [409]);
    if (reserved.status === 409) return "taken";
    const answer = await jsonOf(reserved);
    const id = answer["cacheId"] ?? answer["cacheID"];
    if (typeof id !== "number") throw new CacheError("invalid", "GitHub's cache service gave no id for a new entry");
    let start = 0;
    for await (const piece of piecesOf(open())) {
      const headers = { "content-type": "application/octet-stream", "content-range": `bytes ${start}-${start + piece.byteLength - 1}/*` };
      await (await this.#ask({ method: "PATCH", url: this.#v1(`caches/${id}`), headers, body: { sizeBytes: piece.byteLength, open: () => bytesOf(piece) } }, signal)).discard();
      start += piece.byteLength;
    }
    await (await this.#ask({ method: "POST", url: this.#v1(`caches/${id}`), ...jsonBody({ size: sizeBytes }) }, signal)).discard();
    return "written";
  }

  async writeV2(key: string, { sizeBytes, open }: GhaUpload, signal: AbortSignal): Promise<"written" | "taken"> {
    const { ok, signed_upload_url: location } = await this.#twirp("CreateCacheEntry", { key, version: ENTRY_VERSION }, signal, [409]);
    if (ok !== true || typeof location !== "string") return "taken";
    // The address is signed: it takes no token, and gets none.
    const headers = { "x-ms-blob-type": "BlockBlob", "content-type": "application/octet-stream" };
    await (await this.#send({ method: "PUT", url: new URL(location), headers, body: { sizeBytes, open } }, signal)).discard();
    const finished = await this.#twirp("FinalizeCacheEntryUpload", { key, size_bytes: sizeBytes, version: ENTRY_VERSION }, signal);
    if (finished["ok"] !== true) throw new CacheError("unavailable", `GitHub's cache service did not take ${key}`);
    return "written";
  }

  async #twirp(method: string, message: object, signal: AbortSignal, also: readonly number[] = []): Promise<Readonly<Record<string, unknown>>> {
    const url = new URL(`${this.#base()}/twirp/github.actions.results.api.v1.CacheService/${method}`);
    return await jsonOf(await this.#ask({ method: "POST", url, ...jsonBody(message) }, signal, also));
  }

  async #ask(request: HttpRequest, signal: AbortSignal, also: readonly number[] = []): Promise<HttpResponse> {
    const headers = { accept: "application/json;api-version=6.0-preview.1", ...request.headers, authorization: `Bearer ${this.#place.token}` };
    return await this.#send({ ...request, headers }, signal, also);
  }

  /** Addresses may be signed: messages name the host alone. */
  async #send(request: HttpRequest, signal: AbortSignal, also: readonly number[] = []): Promise<HttpResponse> {
    try {
      const answer = await this.#http.send(request, signal);
      if ((answer.status >= 200 && answer.status <= 299) || also.includes(answer.status)) return answer;
      await answer.discard();
      throw new CacheError(answer.status >= 500 || answer.status === 429 ? "unavailable" : "invalid", `GitHub's cache service at ${request.url.host} answers ${answer.status}`);
    } catch (error) {
      if (error instanceof HttpError) throw new CacheError("unavailable", `GitHub's cache service at ${request.url.host} cannot be reached: ${error.message.split("?")[0]}`, { cause: error });
      throw error;
    }
  }

  #v1(path: string): URL {
    return new URL(`${this.#base()}/_apis/artifactcache/${path}`);
  }

  #base(): string {
    return this.#place.url.replace(/\/+$/, "");
  }
}

function jsonBody(message: object): Pick<HttpRequest, "body" | "headers"> {
  const bytes = Buffer.from(JSON.stringify(message));
  return { headers: { "content-type": "application/json" }, body: { sizeBytes: bytes.byteLength, open: () => bytesOf(bytes) } };
}

/** No content is an empty answer. */
async function jsonOf(answer: HttpResponse): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await collectBytes(answer.body, ANSWER_BYTES_MAX);
  return bytes.byteLength === 0 ? {} : objectOf(parseJson(bytes), "an answer of GitHub's cache service");
}

async function* piecesOf(bytes: ByteStream): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of bytes) {
    held.push(chunk);
    heldBytes += chunk.byteLength;
    if (heldBytes < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    [held, heldBytes] = [[], 0];
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
