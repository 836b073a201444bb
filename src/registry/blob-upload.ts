import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import { bodyOf, type HttpResponse } from "../host/http-client.ts";
import type { HttpBody } from "../host/http-exchange.ts";
import { RegistryError } from "./registry-error.ts";
import { protocolError } from "./refusal.ts";
import type { BlobUpload } from "./repository.ts";
import { resolveLocation } from "./registry-server.ts";
import { registryOf, type RepositoryServers } from "./repository-servers.ts";
import { retryDelayMs, retrying } from "./retry.ts";
import { repositoryScope } from "./scope.ts";

/** The piece in which a blob is sent where something on the way takes no larger request. Held in memory. */
const PIECE_BYTES = 8 * 1024 * 1024;

/**
 * Sends a blob whole; in pieces where the registry, or what stands before it, calls that too large. What was sent while the blob was
 * made gets its digest first: where that does not come through, for whatever reason, the blob is sent as if nothing had been.
 */
export async function uploadBlob(repository: RepositoryServers, upload: BlobUpload, signal: AbortSignal): Promise<"mounted" | "uploaded"> {
  const { descriptor, mountFrom } = upload;
  let { streamed } = upload;
  let isFirst = true;
  return await retrying(async () => {
    if (streamed !== undefined) {
      const failure = await streamed.finish(descriptor.digest, signal);
      if (failure === undefined) return "uploaded";
      streamed = undefined;
      isFirst = failure.error === undefined;
      if (retryDelayMs(failure.error, 1) !== undefined) throw failure.error;
    }
    // It may all be there, and only the answer have been lost.
    if (!isFirst && (await isThere(repository, descriptor.digest, signal))) return "uploaded";
    isFirst = false;
    const session = (mountFrom === undefined ? undefined : await mount(repository, descriptor.digest, mountFrom, signal)) ?? (await begin(repository, descriptor.digest, signal));
    if (session === "mounted") return "mounted";
    try {
      await sendWhole(repository, session, upload, signal);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.status !== 413) throw whereSessionIsLost(error);
      await sendPieces(repository, await begin(repository, descriptor.digest, signal), upload, signal);
    }
    return "uploaded";
  }, signal);
}

async function isThere(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const target = `${repository.path}/blobs/${digest}`;
  const response = await registryOf(repository).call({ method: "HEAD", target, scopes: repository.scopes, what: whatOf(repository, digest), expected: [200, 404] }, signal);
  await response.discard();
  return response.status === 200;
}

/** An upload that has begun, and that the registry then does not know, is one to begin anew: it has ended, restarted, or is more than one. */
function whereSessionIsLost(error: unknown): unknown {
  if (!(error instanceof RegistryError) || error.status !== 404) return error;
  return new RegistryError("unavailable", error.message, { cause: error, status: error.status, said: error.said });
}

export async function mountBlob(repository: RepositoryServers, digest: Digest, from: string, signal: AbortSignal): Promise<boolean> {
  const session = await retrying(() => mount(repository, digest, from, signal), signal);
  if (session === "mounted") return true;
  if (session !== undefined) await cancelUpload(repository, session, signal);
  return false;
}

/** How a registry says that it has begun an upload, or taken a piece of one: by specification 202, in the wild these too. */
export const UPLOAD_TAKEN: readonly number[] = [202, 200, 204];

/** An upload that has begun. */
export interface UploadSession {
  readonly location: URL;
  readonly pieceBytesMin: number;
}

/** Of a blob of which nothing need be known yet; whoever begins without sending learns whether a push is taken at all. */
export async function beginUpload(repository: RepositoryServers, signal: AbortSignal): Promise<UploadSession> {
  return await begin(repository, undefined, signal);
}

/** A session that nobody ends is the registry's to clean up; telling it is a courtesy, so a refusal is no failure. */
export async function cancelUpload(repository: RepositoryServers, { location }: UploadSession, signal: AbortSignal): Promise<void> {
  try {
    const response = await registryOf(repository).call(
      { method: "DELETE", target: location, scopes: repository.scopes, what: `${repository.name}: upload`, expected: [200, 202, 204] },
      signal,
    );
    await response.discard();
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
  }
}

/** Undefined where the registry refuses, or fails at it: the other repository may not be ours to read, and then we send the bytes. */
async function mount(repository: RepositoryServers, digest: Digest, from: string, signal: AbortSignal): Promise<UploadSession | "mounted" | undefined> {
  const scopes = [...repository.scopes, repositoryScope(from, "pull")];
  const target = `${uploadsPath(repository)}?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  const what = whatOf(repository, digest);
  try {
    const response = await registryOf(repository).call({ method: "POST", target, scopes, what, body: bodyOf(new Uint8Array()), expected: [201, ...UPLOAD_TAKEN] }, signal);
    await response.discard();
    return response.status === 201 ? "mounted" : sessionOf(response, what);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const isAnswer = error.status !== undefined && error.code !== "rate-limited";
    if (isAnswer || (!error.retryable && error.code !== "untrusted")) return undefined;
    throw error;
  }
}

async function begin(repository: RepositoryServers, digest: Digest | undefined, signal: AbortSignal): Promise<UploadSession> {
  const what = whatOf(repository, digest);
  const target = uploadsPath(repository);
  const response = await registryOf(repository).call({ method: "POST", target, scopes: repository.scopes, what, body: bodyOf(new Uint8Array()), expected: UPLOAD_TAKEN }, signal);
  await response.discard();
  return sessionOf(response, what);
}

async function sendWhole(repository: RepositoryServers, { location }: UploadSession, upload: BlobUpload, signal: AbortSignal): Promise<void> {
  const { digest, size } = upload.descriptor;
  await finish(repository, location, { digest, body: { sizeBytes: size, open: () => upload.open(signal) } }, signal);
}

async function sendPieces(repository: RepositoryServers, session: UploadSession, upload: BlobUpload, signal: AbortSignal): Promise<void> {
  const { digest } = upload.descriptor;
  const what = whatOf(repository, digest);
  let { location } = session;
  let startBytes = 0;
  for await (const piece of pieces(upload.open(signal), Math.max(PIECE_BYTES, session.pieceBytesMin))) {
    const headers = { "content-type": "application/octet-stream", "content-range": `${startBytes}-${startBytes + piece.byteLength - 1}` };
    const response = await registryOf(repository).call({ method: "PATCH", target: location, scopes: repository.scopes, what, headers, body: bodyOf(piece), expected: UPLOAD_TAKEN }, signal);
    await response.discard();
    ({ location } = sessionOf(response, what));
    startBytes += piece.byteLength;
  }
  await finishUpload(repository, { ...session, location }, digest, signal);
}

/** Gives what a session has been sent its digest. */
export async function finishUpload(repository: RepositoryServers, { location }: UploadSession, digest: Digest, signal: AbortSignal): Promise<void> {
  await finish(repository, location, { digest, body: bodyOf(new Uint8Array()) }, signal);
}

interface LastRequest {
  readonly digest: Digest;
  readonly body: HttpBody;
}

async function finish(repository: RepositoryServers, location: URL, { digest, body }: LastRequest, signal: AbortSignal): Promise<void> {
  const what = whatOf(repository, digest);
  const headers = { "content-type": "application/octet-stream" };
  const target = withDigest(location, digest);
  const response = await registryOf(repository).call({ method: "PUT", target, scopes: repository.scopes, what, headers, body, expected: [200, 201, 204] }, signal);
  await response.discard();
  const stored = response.header("docker-content-digest");
  if (stored !== undefined && stored !== digest) throw protocolError({ what }, `the registry stored it as ${stored}`);
}

/** The location's own query is the registry's, and may be signed: it is kept to the letter. */
function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.search = `${location.search === "" ? "?" : `${location.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

export function sessionOf(response: HttpResponse, what: string): UploadSession {
  const location = response.header("location");
  const url = location === undefined ? undefined : resolveLocation(location, response.url);
  if (url === undefined) throw protocolError({ what }, "the registry does not say where to send it");
  return { location: url, pieceBytesMin: Number(response.header("oci-chunk-min-length") ?? 0) || 0 };
}

async function* pieces(bytes: ByteStream, pieceBytes: number): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.byteLength; ) {
      const part = chunk.subarray(at, at + pieceBytes - heldBytes);
      held.push(part);
      heldBytes += part.byteLength;
      at += part.byteLength;
      if (heldBytes < pieceBytes) continue;
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

function uploadsPath({ path }: RepositoryServers): string {
  return `${path}/blobs/uploads/`;
}

function whatOf({ name }: RepositoryServers, digest: Digest | undefined): string {
  return digest === undefined ? name : `${name}@${digest}`;
}
