import { bytesOf, collectBytes } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import type { HttpClient } from "../host/http-client.ts";
import { CONFIG_BYTES_MAX } from "./cache-document.ts";
import { CacheError } from "./cache-error.ts";
import { openGhaService, type GhaEntry, type GhaPlace } from "./gha-service.ts";
import type { KeyedStore } from "./keyed-store.ts";
import { listOf, objectOf, parseJson } from "./parse-cache-config.ts";

export interface GhaStorePlace extends GhaPlace {
  /** Tells several caches of one repository apart. */
  readonly scope: string;
  /** For one entry, in milliseconds. */
  readonly timeoutMs: number;
}

/** Numbers of a configuration that may be taken by writers at the same time, or by ones that died. */
const NUMBERS_TRIED_MAX = 20;
const BLOB_PREFIX = "buildkit-blob-1-";

/** The cache service of a job on GitHub, with BuildKit's keys. Which branches it reads and writes, the job's token says. */
export function openGhaStore(place: GhaStorePlace, http: HttpClient): KeyedStore {
  const service = openGhaService(place, http);
  const scopes = scopesOf(place.token);
  const limited = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(place.timeoutMs)]);
  const indexKey = (scope: string): string => `index-${place.scope}-1-${digestOf(Buffer.from(scope)).slice("sha256:".length, "sha256:".length + 8)}`;
  const entries = new Map<Digest, GhaEntry>();
  const find = async (digest: Digest, signal: AbortSignal): Promise<GhaEntry | undefined> => {
    const entry = entries.get(digest) ?? (await service.find(BLOB_PREFIX + digest, limited(signal)));
    if (entry !== undefined) entries.set(digest, entry);
    return entry;
  };
  async function* blob(digest: Digest, signal: AbortSignal): ByteStream {
    const entry = await find(digest, signal);
    if (entry === undefined) throw new CacheError("missing", `GitHub's cache has no ${digest} any more`);
    yield* service.read(entry, limited(signal));
  }
  return {
    parallelism: 4,
    blob,
    hasBlob: async (digest, signal) => (await find(digest, signal)) !== undefined,
    async configs(signal) {
      const found = await Promise.all(scopes.map(async ({ name }) => {
        const entry = await service.find(indexKey(name), limited(signal));
        return entry === undefined ? [] : [await collectBytes(service.read(entry, limited(signal)), CONFIG_BYTES_MAX)];
      }));
      return found.flat();
    },
    async putBlob({ digest, size }, open, signal) {
      await service.write(BLOB_PREFIX + digest, { sizeBytes: size, open }, limited(signal));
    },
    async putConfig(bytes, signal) {
      const key = indexKey(scopes.findLast(({ mayWrite }) => mayWrite)?.name ?? "");
      const last = await service.find(`${key}#`, limited(signal));
      const number = Number(last?.key.slice(key.length + 1) ?? 0) || 0;
      for (let tried = 1; tried <= NUMBERS_TRIED_MAX; tried++) {
        if ((await service.write(`${key}#${number + tried}`, { sizeBytes: bytes.byteLength, open: () => bytesOf(bytes) }, limited(signal))) === "written") return;
      }
      throw new CacheError("unavailable", `GitHub's cache takes no new configuration of ${place.scope}: ${NUMBERS_TRIED_MAX} numbers are taken`);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Scope {
  readonly name: string;
  readonly mayWrite: boolean;
}

const WRITE = 2;

/** What the service's token lets do, which the service itself enforces: it is only read here, so no signature is checked. */
function scopesOf(token: string): readonly Scope[] {
  const claims = objectOf(parseJson(Buffer.from(token.split(".")[1] ?? "", "base64url")), "the token of GitHub's cache service");
  const { ac } = claims;
  if (typeof ac !== "string") throw new CacheError("invalid", "the token of GitHub's cache service has no access controls");
  return listOf(parseJson(Buffer.from(ac)), "scopes", 1000).map((scope) => {
    const { Scope: name, Permission: permission } = objectOf(scope, "a scope");
    return { name: String(name), mayWrite: (Number(permission) & WRITE) !== 0 };
  });
}
