import { collectBytes } from "../content/bytes.ts";
import { digestOf, InvalidDigestError, parseDigest, type Digest } from "../content/digest.ts";
import type { HttpResponse } from "../host/http-client.ts";
import { bodyOf } from "../host/http-client.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { RegistryError } from "./registry-error.ts";
import { protocolError } from "./refusal.ts";
import type { RegistryServer } from "./registry-server.ts";
import type { FetchedManifest, ManifestUpload } from "./repository.ts";
import { askInOrder, registryOf, type RepositoryServers } from "./repository-servers.ts";
import { retrying } from "./retry.ts";

/** A manifest is held in memory whole; the distribution spec has everyone expect up to 4 MiB. */
export const MANIFEST_SIZE_BYTES_MAX: number = 4 * 1024 * 1024;

const MANIFEST_TYPES = [MEDIA_TYPE.ociIndex, MEDIA_TYPE.dockerIndex, MEDIA_TYPE.ociManifest, MEDIA_TYPE.dockerManifest] as const;
/** What we do not read, and others may have stored: schema 1, and the artifact manifest of image-spec 1.1's drafts. */
const OTHER_MANIFEST_TYPES = [
  "application/vnd.oci.artifact.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v1+prettyjws",
  "application/vnd.docker.distribution.manifest.v1+json",
] as const;
const ACCEPT = MANIFEST_TYPES.join(", ");
const DIGEST_TEXT = /^[A-Za-z0-9_+.-]+:[0-9a-fA-F]+$/;

/** Asks for the headers first: they cost the registry's limits nothing. */
export async function resolveManifest(repository: RepositoryServers, tagOrDigest: string, signal: AbortSignal): Promise<Descriptor | undefined> {
  return await askInOrder(
    repository,
    async (server) => {
      const call = manifestCall(repository, tagOrDigest);
      const response = await server.call({ ...call, method: "HEAD", expected: [200, 404, 405] }, signal);
      await response.discard();
      if (response.status === 404) return undefined;
      return descriptorOf(response, tagOrDigest, call) ?? (await getManifest(repository, server, tagOrDigest, signal))?.descriptor;
    },
    signal,
  );
}

/**
 * Whether there is such a manifest, of whatever type. A registry may hide one whose type was not asked for, so old and
 * unknown ones are asked for too.
 */
export async function hasManifest(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const call = manifestCall(repository, digest);
  const headers = { accept: [...MANIFEST_TYPES, ...OTHER_MANIFEST_TYPES, "*/*"].join(", ") };
  const ask = async (method: "HEAD" | "GET"): Promise<number> => {
    const response = await registryOf(repository).call({ ...call, headers, method, expected: [200, 404, ...(method === "HEAD" ? [405] : [])] }, signal);
    await response.discard();
    return response.status;
  };
  const status = await retrying(() => ask("HEAD"), signal);
  return (status === 405 ? await retrying(() => ask("GET"), signal) : status) === 200;
}

export async function fetchManifest(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<FetchedManifest> {
  const fetched = await askInOrder(repository, (server) => getManifest(repository, server, digest, signal), signal);
  if (fetched === undefined) throw new RegistryError("not-found", `${nameOf(repository, digest)}: no such manifest`, { status: 404 });
  return fetched;
}

export async function getManifest(
  repository: RepositoryServers,
  server: RegistryServer,
  tagOrDigest: string,
  signal: AbortSignal,
): Promise<TaggedManifest | undefined> {
  const call = manifestCall(repository, tagOrDigest);
  const response = await server.call({ ...call, method: "GET", expected: [200, 404] }, signal);
  if (response.status === 404) {
    await response.discard();
    return undefined;
  }
  const bytes = await readWhole(server, response, call.what, signal);
  const digest = digestOf(bytes);
  const promised = DIGEST_TEXT.test(tagOrDigest) ? tagOrDigest : response.header("docker-content-digest");
  if (promised !== undefined && promised !== digest) throw protocolError(call, `${server.endpoint.base.host} sent other bytes: they have the digest ${digest}, not ${promised}`);
  return { descriptor: { mediaType: mediaTypeOf(response, bytes, call), digest, size: bytes.byteLength }, bytes, etag: response.header("etag") };
}

export interface TaggedManifest extends FetchedManifest {
  /** RFC 9110, ETag: what a condition on a later write is made with. */
  readonly etag: string | undefined;
}

/** A manifest that replaces another: only that one, where the registry knows such conditions (status 412 otherwise). */
export interface ManifestReplacement extends ManifestUpload {
  readonly ifMatch?: string | undefined;
}

export async function putManifest(repository: RepositoryServers, { tag, mediaType, bytes, ifMatch }: ManifestReplacement, signal: AbortSignal): Promise<PutManifest> {
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  const call = manifestCall(repository, tag ?? descriptor.digest);
  const { target, scopes, what } = call;
  const send = (): Promise<HttpResponse> =>
    registryOf(repository).call({ method: "PUT", target, scopes, what, headers: { "content-type": mediaType, ...(ifMatch === undefined ? {} : { "if-match": ifMatch }) }, body: bodyOf(bytes), expected: [200, 201, 202] }, signal);
  const response = await retrying(send, signal);
  await response.discard();
  const stored = response.header("docker-content-digest");
  if (stored !== undefined && stored !== descriptor.digest) throw protocolError(call, `the registry stored it as ${stored}, not as ${descriptor.digest}`);
  return { descriptor, subject: response.header("oci-subject") };
}

/** Removes a manifest that we stored ourselves; a registry that removes nothing keeps it. */
export async function withdrawManifest(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<void> {
  const response = await registryOf(repository).call({ ...manifestCall(repository, digest), method: "DELETE", expected: [200, 202, 204, 400, 404, 405] }, signal);
  await response.discard();
}

export interface PutManifest {
  readonly descriptor: Descriptor;
  /** The subject to whose referrers the registry has added it; undefined where it keeps none. */
  readonly subject: string | undefined;
}

/** What is read whole is bounded, and a connection that breaks meanwhile is the registry's failure. */
export async function readWhole(server: RegistryServer, response: HttpResponse, what: string, signal: AbortSignal): Promise<Buffer> {
  try {
    return await collectBytes(response.body, MANIFEST_SIZE_BYTES_MAX);
  } catch (error) {
    if (error instanceof RangeError) throw protocolError({ what }, `more than ${MANIFEST_SIZE_BYTES_MAX} bytes`);
    throw await server.explain(error, what, signal);
  }
}

interface ManifestCall {
  readonly target: string;
  readonly scopes: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly what: string;
}

function manifestCall(repository: RepositoryServers, tagOrDigest: string): ManifestCall {
  return {
    target: `${repository.path}/manifests/${tagOrDigest}`,
    scopes: repository.scopes,
    headers: { accept: ACCEPT },
    what: nameOf(repository, tagOrDigest),
  };
}

function nameOf({ name }: RepositoryServers, tagOrDigest: string): string {
  return `${name}${DIGEST_TEXT.test(tagOrDigest) ? "@" : ":"}${tagOrDigest}`;
}

/** Undefined where the headers do not say enough: then the manifest itself does. */
function descriptorOf(response: HttpResponse, tagOrDigest: string, call: ManifestCall): Descriptor | undefined {
  const digest = DIGEST_TEXT.test(tagOrDigest) ? tagOrDigest : response.header("docker-content-digest");
  const size = Number(response.header("content-length") ?? 0);
  const mediaType = contentType(response);
  if (response.status !== 200 || digest === undefined || !(size > 0) || !MANIFEST_TYPES.some((type) => type === mediaType)) return undefined;
  return { mediaType, digest: digestInHeader(digest, call), size };
}

function digestInHeader(text: string, call: ManifestCall): Digest {
  try {
    return parseDigest(text);
  } catch (cause) {
    if (!(cause instanceof InvalidDigestError)) throw cause;
    throw protocolError(call, `${JSON.stringify(text)} in header not a valid digest: invalid checksum digest format`);
  }
}

function contentType(response: HttpResponse): string {
  return (response.header("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
}

/** What the manifest says of itself counts before the header; OCI's say nothing where the writer left it out. */
function mediaTypeOf(response: HttpResponse, bytes: Uint8Array, call: ManifestCall): string {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw protocolError(call, "not a manifest: no JSON");
  }
  const { mediaType } = (typeof document === "object" && document !== null ? document : {}) as Readonly<Record<string, unknown>>;
  return typeof mediaType === "string" && mediaType !== "" ? mediaType : contentType(response);
}
