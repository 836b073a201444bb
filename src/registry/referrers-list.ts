import type { Digest } from "../content/digest.ts";
import { systemClock } from "../host/clock.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { getManifest, putManifest, resolveManifest } from "./manifest-calls.ts";
import { parseObject } from "./pages.ts";
import { fallbackTag, manifestsIn } from "./referrers.ts";
import { RegistryError } from "./registry-error.ts";
import { registryOf, type RepositoryServers } from "./repository-servers.ts";
import { pause, retrying } from "./retry.ts";

/** How often an entry is written: each time that it was lost, somebody else's was kept. */
const ATTEMPTS_MAX = 10;
/** Longer than somebody else takes from reading the list to writing it: at least this, and several times what we took. */
const SETTLE_MS_MIN = 200;
const SETTLE_TIMES = 4;

/** The registry keeps no lists of referrers, and does not let us keep one: under its tag, or with what is there. */
export class ReferrersListError extends RegistryError {}

/**
 * Writes a manifest into its subject's list, for registries that keep none: distribution-spec, "Pushing Manifests with
 * Subject". Entries of others stay. The specification has no lock: where the registry knows conditions, a list that has
 * changed meanwhile is not replaced; and the list is read again once all who read it before us have written.
 * Throws ReferrersListError where the list is refused, or belongs to something else.
 */
export async function recordReferrer(repository: RepositoryServers, referrer: Referrer, signal: AbortSignal): Promise<void> {
  const tag = fallbackTag(referrer.subject);
  try {
    await keepIn(repository, { tag, entry: entryOf(referrer) }, signal);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.retryable || error.code === "unauthorized" || error.code === "untrusted") throw error;
    throw new ReferrersListError(error.code, `${repository.name} keeps no referrers, and the list of them under the tag ${tag} cannot be written: ${error.message}`, { status: error.status, said: error.said, cause: error });
  }
}

/** Takes manifests out of a subject's list, where there is one; entries of others stay. */
export async function dropReferrers(repository: RepositoryServers, subject: Digest, digests: ReadonlySet<Digest>, signal: AbortSignal): Promise<void> {
  const tag = fallbackTag(subject);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const list = await readList(repository, tag, signal);
    const entries = list.entries.filter(({ digest }) => !digests.has(digest));
    if (entries.length === list.entries.length || (await replaceList(repository, { ...list, tag, entries }, signal)) !== undefined) return;
  }
  throw new RegistryError("unavailable", `${repository.name}:${tag}: others replaced the list ${ATTEMPTS_MAX} times while we took from it; try again`);
}

export interface Referrer {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest | ImageIndex;
  readonly subject: Digest;
}

interface Place {
  readonly tag: string;
  readonly entry: Descriptor;
}

async function keepIn(repository: RepositoryServers, place: Place, signal: AbortSignal): Promise<void> {
  let written: readonly Descriptor[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const startedNs = systemClock.nowNs();
    const list = await readList(repository, place.tag, signal);
    if (list.entries.some(({ digest }) => digest === place.entry.digest)) return;
    // Who replaced our list had read an older one: it may have lacked more than our own entry.
    const lost = written.filter(({ digest }) => digest !== place.entry.digest && !list.entries.some((entry) => entry.digest === digest));
    const entries = [...list.entries, ...lost, place.entry];
    const replaced = await replaceList(repository, { ...list, tag: place.tag, entries }, signal);
    if (replaced === undefined) continue;
    written = replaced;
    const tookMs = Number((systemClock.nowNs() - startedNs) / 1_000_000n);
    await pause(Math.max(SETTLE_MS_MIN, SETTLE_TIMES * tookMs), signal);
  }
  throw new RegistryError("unavailable", `${repository.name}:${place.tag}: others replaced the list ${ATTEMPTS_MAX} times while we added to it; try again`);
}

interface ReferrersList {
  /** As it is there, members that we do not know included. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly entries: readonly Descriptor[];
  readonly etag: string | undefined;
}

async function readList(repository: RepositoryServers, tag: string, signal: AbortSignal): Promise<ReferrersList> {
  const what = `${repository.name}:${tag}`;
  const fetched = await retrying(() => getManifest(repository, registryOf(repository), tag, signal), signal);
  if (fetched === undefined) return { document: {}, entries: [], etag: undefined };
  const { mediaType } = fetched.descriptor;
  if (mediaType !== MEDIA_TYPE.ociIndex) throw new RegistryError("rejected", `${what}: is no list of referrers, but ${mediaType}, and is left as it is`);
  return { document: parseObject(fetched.bytes, what), entries: manifestsIn(fetched.bytes, what), etag: fetched.etag };
}

/** The entries as they were written; undefined where somebody changed the list meanwhile, which is left alone then. */
async function replaceList(repository: RepositoryServers, list: ReferrersList & { readonly tag: string }, signal: AbortSignal): Promise<readonly Descriptor[] | undefined> {
  const { document, entries, etag, tag } = list;
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, ...document, manifests: entries };
  // A weak tag is none for conditions (RFC 9110, If-Match).
  const ifMatch = etag?.startsWith("W/") === true ? undefined : etag;
  try {
    await putManifest(repository, { tag, mediaType: MEDIA_TYPE.ociIndex, bytes: Buffer.from(JSON.stringify(index)), ifMatch }, signal);
    return entries;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== "rejected") throw error;
    if (error.status === 412) return undefined;
    const there = await entriesThere(repository, entries, signal);
    if (there.length === entries.length) throw error;
    return await replaceList(repository, { ...list, entries: there }, signal);
  }
}

/** Without those whose manifest was removed: nothing is known by them any more, and most registries take no list that names them. */
async function entriesThere(repository: RepositoryServers, entries: readonly Descriptor[], signal: AbortSignal): Promise<readonly Descriptor[]> {
  const there: Descriptor[] = [];
  for (const entry of entries) if ((await resolveManifest(repository, entry.digest, signal)) !== undefined) there.push(entry);
  return there;
}

function entryOf({ descriptor, manifest }: Referrer): Descriptor {
  const { artifactType, config } = manifest as Partial<Manifest>;
  const type = artifactType ?? config?.mediaType;
  return {
    ...descriptor,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  };
}
