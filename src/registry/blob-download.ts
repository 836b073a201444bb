import { CorruptBlobError, type ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import { verified } from "../content/verified.ts";
import type { HttpResponse } from "../host/http-client.ts";
import { HttpError } from "../host/http-error.ts";
import { RegistryError } from "./registry-error.ts";
import { protocolError } from "./refusal.ts";
import type { RegistryServer } from "./registry-server.ts";
import type { BlobDescriptor } from "./repository.ts";
import { askInOrder, registryOf, type RepositoryServers } from "./repository-servers.ts";
import { pause, retrying } from "./retry.ts";

/** How often one blob may break off. A layer of gigabytes over a bad line does so more than once. */
const RESUMES_MAX = 8;
const RESUME_DELAY_MS = 250;

/** The bytes of a blob, checked in passing. A broken connection is resumed where it broke. Throws CorruptBlobError for other bytes: a mirror that sent them is passed over from then on. */
export async function* downloadBlob(repository: RepositoryServers, descriptor: BlobDescriptor, signal: AbortSignal): ByteStream {
  const asked = new Map<RegistryServer, string>();
  const bytes = descriptor.data === undefined ? resumed(repository, descriptor, { signal, onAnswer: (server, host) => asked.set(server, host) }) : embedded(descriptor.data);
  try {
    yield* verified(bytes, descriptor.digest, descriptor.size);
  } catch (error) {
    if (!(error instanceof CorruptBlobError)) throw error;
    const mirrors = [...asked.keys()].filter((server) => server !== registryOf(repository));
    for (const mirror of mirrors) repository.passedOver.add(mirror);
    const whose = descriptor.data === undefined ? `${[...asked.values()].join(" and ")} sent other bytes` : "its descriptor holds other bytes";
    throw new CorruptBlobError(`${blobCall(repository, descriptor.digest).what}: ${whose} (${error.message}); try again, and if it stays so, it has to be pushed anew, or something on the way changes it`, "corrupt", { cause: error, retryable: mirrors.length > 0 });
  }
}

export async function hasBlob(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const found = await askInOrder(
    repository,
    async (server) => {
      const { target, scopes, what } = blobCall(repository, digest);
      const response = await server.call({ method: "HEAD", target, scopes, what, expected: [200, 404] }, signal);
      await response.discard();
      return response.status === 200 ? true : undefined;
    },
    signal,
  );
  return found ?? false;
}

async function* embedded(data: string): ByteStream {
  yield Buffer.from(data, "base64");
}

interface Watch {
  readonly signal: AbortSignal;
  /** Told who sends: the server that was asked, and the host that it led to. */
  readonly onAnswer: (server: RegistryServer, host: string) => void;
}

async function* resumed(repository: RepositoryServers, blob: BlobDescriptor, { signal, onAnswer }: Watch): ByteStream {
  const { digest, size } = blob;
  const { what } = blobCall(repository, digest);
  let from = repository;
  let seenBytes = 0;
  for (let resumes = 0; ; resumes++) {
    const { response, server } = await openAt(from, blob, seenBytes, signal);
    onAnswer(server, response.url.host);
    try {
      for await (const chunk of fromOffset(response, seenBytes)) {
        seenBytes += chunk.byteLength;
        yield chunk;
      }
      if (seenBytes >= size) return;
      // Who has said how much there is, and sent that, has no more of it.
      if (response.status === 200 && response.header("content-length") !== undefined) throw new CorruptBlobError(`${digest}: ended at ${seenBytes} of ${size} bytes`);
      // An answer without a length that ends early looks like a whole one.
      throw new HttpError("broken", `${what}: ended at ${seenBytes} of ${size} bytes`);
    } catch (error) {
      // The connection may break when all is said.
      if (error instanceof HttpError && seenBytes === size) return;
      if (!(error instanceof HttpError && error.retryable) || resumes === RESUMES_MAX) throw await server.explain(error, what, signal);
    }
    // A mirror that breaks off once is not asked for the rest.
    from = { ...repository, servers: [registryOf(repository)] };
    await pause(RESUME_DELAY_MS * 2 ** Math.min(resumes, 4), signal);
  }
}

interface OpenBlob {
  readonly response: HttpResponse;
  readonly server: RegistryServer;
}

async function openAt(repository: RepositoryServers, { digest, urls = [] }: BlobDescriptor, startBytes: number, signal: AbortSignal): Promise<OpenBlob> {
  const { target: own, scopes, what } = blobCall(repository, digest);
  const headers: Readonly<Record<string, string>> = startBytes === 0 ? {} : { range: `bytes=${startBytes}-` };
  const openFrom = async (server: RegistryServer, target: string | URL): Promise<OpenBlob | undefined> => {
    const response = await server.call({ method: "GET", target, scopes, headers, what, expected: [200, 206, 404] }, signal);
    if (response.status !== 404) return { response, server };
    await response.discard();
    return undefined;
  };
  let opened = await askInOrder(repository, (server) => openFrom(server, own), signal);
  // Layers that may not be redistributed are where their descriptor says. Other hosts see no credentials there.
  for (const url of urls.map((text) => URL.parse(text))) {
    if (opened === undefined && url !== null && ["http:", "https:"].includes(url.protocol)) opened = await retrying(() => openFrom(registryOf(repository), url), signal);
  }
  if (opened === undefined) throw new RegistryError("not-found", `${what}: no such blob`, { status: 404 });
  const range = opened.response.header("content-range") ?? "";
  if (opened.response.status === 206 && !range.startsWith(`bytes ${startBytes}-`)) {
    await opened.response.discard();
    throw protocolError({ what }, `asked for the bytes from ${startBytes}, the registry sent ${JSON.stringify(range)}`);
  }
  return opened;
}

/** A server that knows no ranges starts over; what has been seen is dropped. */
async function* fromOffset(response: HttpResponse, offsetBytes: number): ByteStream {
  let toDrop = response.status === 206 ? 0 : offsetBytes;
  for await (const chunk of response.body) {
    if (toDrop < chunk.byteLength) yield toDrop === 0 ? chunk : chunk.subarray(toDrop);
    toDrop = Math.max(0, toDrop - chunk.byteLength);
  }
  if (toDrop > 0) throw new CorruptBlobError("the registry sent fewer bytes than before");
}

function blobCall(repository: RepositoryServers, digest: Digest): { readonly target: string; readonly scopes: readonly string[]; readonly what: string } {
  return { target: `${repository.path}/blobs/${digest}`, scopes: repository.scopes, what: `${repository.name}@${digest}` };
}
