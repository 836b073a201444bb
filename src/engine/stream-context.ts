import type { Digest } from "../content/digest.ts";
import { isArchive } from "../frontend/dockerfile/build-context.ts";
import { readAll } from "../host/read-all.ts";
import { eachUntilAborted } from "../host/until-aborted.ts";
import type { HttpAnswer, HttpGet } from "../source/http.ts";
import type { FileBlobStore } from "../store/file-blob-store.ts";
import type { BuildRequest } from "./build-request.ts";
import { RequestError } from "./request-error.ts";

/** A tar's first header: with it, an archive can be told from a Dockerfile. */
const HEADER_BYTES = 512;

/** The host that BuildKit's clients give an archive which they send themselves. */
const UPLOAD_HOST = "buildkit-session";

/** What the frontend is told as the address of an archive from standard input. The same in each build, as its records should be. */
export const UPLOAD_URL: string = `http://${UPLOAD_HOST}/context`;

/** A request whose stream, if its context is one, is known for an archive or a Dockerfile. Throws RequestError in buildx's words. */
export async function withStreamContext(request: BuildRequest, signal: AbortSignal): Promise<BuildRequest> {
  const { context } = request;
  if (typeof context === "string" || "empty" in context) return request;
  if ("archive" in context) return { ...request, context: { archive: eachUntilAborted(context.archive, signal) } };
  const { start, whole } = await peek(eachUntilAborted(context.stream, signal));
  if (isArchive(start)) return { ...request, context: { archive: whole } };
  if (request.dockerfile !== undefined) throw new RequestError("usage", "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles");
  return { ...request, context: { empty: true }, dockerfile: { text: await readAll(whole) } };
}

async function peek(stream: AsyncIterable<Uint8Array>): Promise<{ readonly start: Uint8Array; readonly whole: AsyncIterable<Uint8Array> }> {
  const iterator = stream[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.byteLength < HEADER_BYTES) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  const whole = async function* (): AsyncIterable<Uint8Array> {
    yield start;
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  return { start, whole: whole() };
}

/** Web files, and the one archive that was sent with the build. */
export function withUpload(get: HttpGet, archive: Digest | undefined, blobs: FileBlobStore): HttpGet {
  return async (url, headers, signal) => {
    if (archive === undefined || new URL(url).host !== UPLOAD_HOST) return await get(url, headers, signal);
    const known = headers["if-none-match"] === archive;
    return answer(known ? 304 : 200, archive, known ? noBytes() : blobs.read(archive, signal));
  };
}

function answer(status: number, archive: Digest, body: HttpAnswer["body"]): HttpAnswer {
  return { status, header: (name) => (name === "etag" ? archive : undefined), body };
}

async function* noBytes(): HttpAnswer["body"] {
  yield* [];
}
