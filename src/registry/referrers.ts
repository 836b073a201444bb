import { parseDigest, type Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { getManifest, readWhole } from "./manifest-calls.ts";
import { nextPage, PAGES_MAX, parseObject } from "./pages.ts";
import { protocolError } from "./refusal.ts";
import type { RegistryServer } from "./registry-server.ts";
import { askInOrder, registryOf, type RepositoryServers } from "./repository-servers.ts";

/** How registries without the interface answer: by specification 404, in the wild these too. */
const NO_INTERFACE: readonly number[] = [400, 404, 405, 501];

/** distribution-spec, "Listing Referrers": by the interface, or by the fallback tag where there is none. */
export async function listReferrers(repository: RepositoryServers, digest: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
  const found = await askInOrder(
    repository,
    async (server) => (await listByInterface(repository, server, digest, signal)) ?? (await listByTag(repository, server, digest, signal)),
    signal,
  );
  return found ?? [];
}

/** True where the registry itself has the interface, whatever it says of a manifest that there cannot be. */
export async function hasReferrersInterface(repository: RepositoryServers, signal: AbortSignal): Promise<boolean> {
  const nothing = parseDigest(`sha256:${"0".repeat(64)}`);
  return (await listByInterface(repository, registryOf(repository), nothing, signal)) !== undefined;
}

/** distribution-spec, "Referrers Tag Schema". */
export function fallbackTag(digest: Digest): string {
  return digest.replace(":", "-");
}

/** Undefined where the server has no such interface. */
async function listByInterface(repository: RepositoryServers, server: RegistryServer, digest: Digest, signal: AbortSignal): Promise<readonly Descriptor[] | undefined> {
  const what = `${repository.name}@${digest}: referrers`;
  const found: Descriptor[] = [];
  let target: string | URL = `${repository.path}/referrers/${digest}`;
  for (let page = 0; page < PAGES_MAX; page++) {
    const response = await server.call(
      { method: "GET", target, scopes: repository.scopes, what, headers: { accept: MEDIA_TYPE.ociIndex }, expected: [200, ...NO_INTERFACE] },
      signal,
    );
    if (response.status !== 200 || !(response.header("content-type") ?? "").startsWith(MEDIA_TYPE.ociIndex)) {
      await response.discard();
      return undefined;
    }
    found.push(...manifestsIn(await readWhole(server, response, what, signal), what));
    const next = nextPage(response);
    if (next === undefined) return found;
    target = next;
  }
  throw protocolError({ what }, `more than ${PAGES_MAX} pages`);
}

async function listByTag(repository: RepositoryServers, server: RegistryServer, digest: Digest, signal: AbortSignal): Promise<readonly Descriptor[] | undefined> {
  const fetched = await getManifest(repository, server, fallbackTag(digest), signal);
  return fetched === undefined ? undefined : manifestsIn(fetched.bytes, `${repository.name}:${fallbackTag(digest)}`);
}

export function manifestsIn(bytes: Uint8Array, what: string): readonly Descriptor[] {
  const { manifests } = parseObject(bytes, what);
  if (!Array.isArray(manifests)) throw protocolError({ what }, "no list of manifests");
  return manifests.map((value: unknown) => {
    const { mediaType, digest, size } = (value ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof mediaType !== "string" || typeof digest !== "string" || typeof size !== "number") throw protocolError({ what }, "a descriptor without media type, digest or size");
    return { ...(value as Descriptor), mediaType, size, digest: parseDigest(digest) };
  });
}
