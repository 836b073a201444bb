import { systemClock, type Clock } from "../host/clock.ts";
import type { Environment } from "../host/environment.ts";
import { openHttpClient } from "../host/http-client.ts";
import type { HttpPatience } from "../host/http-exchange.ts";
import { downloadBlob, hasBlob } from "./blob-download.ts";
import { mountBlob, uploadBlob } from "./blob-upload.ts";
import type { CredentialStore } from "./credential.ts";
import { deleteBlob, deleteManifest } from "./deletion.ts";
import { endpointsFor, type Endpoint } from "./endpoint.ts";
import { fetchManifest, hasManifest, putManifest, resolveManifest } from "./manifest-calls.ts";
import { hasReferrersInterface, listReferrers } from "./referrers.ts";
import { dropReferrers, recordReferrer } from "./referrers-list.ts";
import { streamBlob } from "./streamed-upload.ts";
import { listTags } from "./tags.ts";
import type { RegistryConfig } from "./registry-config.ts";
import { createRegistryServer, type RegistryServer } from "./registry-server.ts";
import type { ManifestUpload, Repository } from "./repository.ts";
import { repositoryServers, type RepositoryName, type RepositoryServers } from "./repository-servers.ts";
import type { Access } from "./scope.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { parseDigest } from "../content/digest.ts";

export interface RegistryClientOptions {
  readonly credentials: CredentialStore;
  readonly config: RegistryConfig;
  /** Proxies and authorities are taken from here. */
  readonly env: Environment;
  /** Tokens end by it. The machine's own where left out. */
  readonly clock?: Clock;
  /** How long silence is borne. The HTTP client's own where left out. */
  readonly patience?: HttpPatience;
}

/**
 * Connections, tokens and credentials of one user. What two clients in one process know of each other is nothing:
 * all state is in here, and ends with disposal.
 */
export interface RegistryClient extends AsyncDisposable {
  repository(name: RepositoryName, access: Access): Repository;
  /** For those who ask about the registry rather than its content. */
  servers(name: RepositoryName, access: Access): RepositoryServers;
}

export function openRegistryClient({ credentials, config, env, clock = systemClock, patience }: RegistryClientOptions): RegistryClient {
  const http = openHttpClient(env, patience);
  const lifetime = new AbortController();
  const known = new Map<string, RegistryServer>();
  const passedOver = new Set<RegistryServer>();

  function serverAt(endpoint: Endpoint): RegistryServer {
    const key = `${endpoint.name} ${endpoint.base.href} ${endpoint.namespace ?? ""}`;
    const server = known.get(key) ?? createRegistryServer({ endpoint, credentials, http, clock, lifetime: lifetime.signal, settings: config.path });
    known.set(key, server);
    return server;
  }

  function servers(name: RepositoryName, access: Access): RepositoryServers {
    const found = endpointsFor(name.domain, config, access).map(serverAt);
    const registry = found.pop();
    if (registry === undefined) throw new Error("a registry without servers");
    return repositoryServers(name, access, { servers: [...found, registry], passedOver });
  }

  return {
    servers,
    repository: (name, access) => repositoryAt(servers(name, access)),
    async [Symbol.asyncDispose]() {
      lifetime.abort(new Error("the registry client is closed"));
      await http[Symbol.asyncDispose]();
    },
  };
}

function repositoryAt(at: RepositoryServers): Repository {
  return {
    name: at.name,
    resolve: (tagOrDigest, signal) => resolveManifest(at, tagOrDigest, signal),
    hasManifest: (digest, signal) => hasManifest(at, digest, signal),
    manifest: (digest, signal) => fetchManifest(at, digest, signal),
    blob: (descriptor, signal) => downloadBlob(at, descriptor, signal),
    hasBlob: (digest, signal) => hasBlob(at, digest, signal),
    mountBlob: (digest, from, signal) => mountBlob(at, digest, from, signal),
    uploadBlob: (upload, signal) => uploadBlob(at, upload, signal),
    streamBlob: (blob, onSent) => streamBlob(at, blob, onSent),
    putManifest: (manifest, signal) => putWithSubject(at, manifest, signal),
    referrers: (digest, signal) => listReferrers(at, digest, signal),
    dropReferrers: (subject, digests, signal) => dropReferrers(at, subject, digests, signal),
    tags: (signal) => listTags(at, signal),
    hasReferrers: (signal) => hasReferrersInterface(at, signal),
    deleteManifest: (digest, signal) => deleteManifest(at, digest, signal),
    deleteBlob: (digest, signal) => deleteBlob(at, digest, signal),
  };
}

async function putWithSubject(at: RepositoryServers, upload: ManifestUpload, signal: AbortSignal): Promise<Descriptor> {
  const { descriptor, subject: kept } = await putManifest(at, upload, signal);
  // Our own manifest: that it is one has been seen to by whoever made it.
  const manifest = JSON.parse(Buffer.from(upload.bytes).toString("utf8")) as (Manifest | ImageIndex) & { readonly subject?: Descriptor };
  if (manifest.subject !== undefined && kept === undefined && upload.namedByIndex !== true) {
    await recordReferrer(at, { descriptor, manifest, subject: parseDigest(manifest.subject.digest) }, signal);
  }
  return descriptor;
}
