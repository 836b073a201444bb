import type { Digest } from "../content/digest.ts";
import { RegistryError } from "./registry-error.ts";
import { registryOf, type RepositoryServers } from "./repository-servers.ts";
import { retrying } from "./retry.ts";

/** distribution-spec, "Deleting Manifests". True where it was there. Tags that named it go with it. */
export async function deleteManifest(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<boolean> {
  return await remove(repository, `manifests/${digest}`, digest, signal);
}

/** distribution-spec, "Deleting Blobs". True where it was there. */
export async function deleteBlob(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<boolean> {
  return await remove(repository, `blobs/${digest}`, digest, signal);
}

async function remove(repository: RepositoryServers, path: string, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const what = `${repository.name}@${digest}`;
  // Token services give the right to delete by a name of its own.
  const scopes = [...repository.scopes, `repository:${repository.path}:delete`];
  const call = { method: "DELETE", target: `${repository.path}/${path}`, scopes, what, expected: [200, 202, 204, 404] } as const;
  try {
    const response = await retrying(() => registryOf(repository).call(call, signal), signal);
    await response.discard();
    return response.status !== 404;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 405) throw error;
    const message = `${what}: this registry deletes nothing (status 405); the reference registry has to be started with REGISTRY_STORAGE_DELETE_ENABLED=true, others have an interface of their own`;
    throw new RegistryError("rejected", message, { status: 405, cause: error });
  }
}
