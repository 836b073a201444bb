import type { FlagFields } from "../content/flag-fields.ts";
import { goBoolean } from "../content/go-boolean.ts";
import type { GhaStorePlace } from "../cache/gha-store.ts";
import type { S3Place } from "../cache/s3-store.ts";
import type { AzblobPlace } from "../cache/azblob-store.ts";
import type { Environment } from "../host/environment.ts";

/** A place for caches without manifests. */
export type StorePlace =
  | { readonly kind: "gha"; readonly place: GhaStorePlace }
  | { readonly kind: "s3"; readonly place: S3Place }
  | { readonly kind: "azblob"; readonly place: AzblobPlace };

/** Undefined for a type that is none of these. Throws what `fields` throws. */
export function planStore(type: string, fields: FlagFields, env: Environment): StorePlace | undefined {
  switch (type) {
    case "gha":
      return { kind: "gha", place: ghaPlace(fields, env) };
    case "s3":
      return { kind: "s3", place: s3Place(fields, env) };
    case "azblob":
      return { kind: "azblob", place: azblobPlace(fields, env) };
    default:
      return undefined;
  }
}

/** What the flag and the job's environment say together. Both the token and an address are needed. */
function ghaAddress(fields: Pick<FlagFields, "peek">, env: Environment): { readonly token: string; readonly url: string; readonly version: 1 | 2 } {
  const asked = fields.peek("version") ?? (goBoolean(env["ACTIONS_CACHE_SERVICE_V2"] ?? "") === true ? "2" : "");
  const second = asked === "1" ? undefined : (fields.peek("url_v2") ?? (asked === "2" ? env["ACTIONS_RESULTS_URL"] : undefined));
  const url = second ?? fields.peek("url") ?? env["ACTIONS_CACHE_URL"] ?? env["ACTIONS_RESULTS_URL"] ?? "";
  const isSecond = second !== undefined || (asked === "" && url.includes("results-receiver.actions.githubusercontent.com"));
  return { token: fields.peek("token") ?? env["ACTIONS_RUNTIME_TOKEN"] ?? "", url, version: isSecond ? 2 : 1 };
}

/** False where this build has no cache service of GitHub's. */
export function completeGha(fields: Pick<FlagFields, "peek">, env: Environment): boolean {
  const { token, url } = ghaAddress(fields, env);
  return token !== "" && url !== "";
}

const GHA_TIMEOUT_MS = 600_000;

function ghaPlace(fields: FlagFields, env: Environment): GhaStorePlace {
  const address = ghaAddress(fields, env);
  // With these two, BuildKit lists all blobs by another interface of GitHub's; here each is asked for.
  for (const key of ["version", "url", "url_v2", "token", "repository", "ghtoken"]) fields.take(key);
  return { ...address, scope: fields.take("scope") ?? "buildkit", timeoutMs: durationOf(fields, "timeout", GHA_TIMEOUT_MS) };
}

const DAY_MS = 86_400_000;

function s3Place(fields: FlagFields, env: Environment): S3Place {
  const bucket = fields.take("bucket") ?? env["AWS_BUCKET"];
  if (bucket === undefined) throw fields.error("bucket ($AWS_BUCKET) not set for s3 cache");
  const region = fields.take("region") ?? env["AWS_REGION"];
  if (region === undefined) throw fields.error("region ($AWS_REGION) not set for s3 cache");
  const retryMode = fields.take("retry_mode");
  if (retryMode !== undefined && retryMode !== "standard" && retryMode !== "adaptive") throw fields.error('retry_mode must be "standard" or "adaptive"');
  // Ours signs no such header, so there is nothing to leave out.
  fields.take("disable_accept_encoding");
  const prefix = fields.take("prefix") ?? "";
  return {
    bucket, region, retryMode,
    names: (fields.take("name") ?? "buildkit").split(";"),
    manifestsPrefix: prefix + (fields.take("manifests_prefix") ?? "manifests/"),
    blobsPrefix: prefix + (fields.take("blobs_prefix") ?? "blobs/"),
    touchRefreshMs: durationOf(fields, "touch_refresh", DAY_MS),
    endpoint: fields.take("endpoint_url"),
    pathStyle: fields.flag("use_path_style", false),
    parallelism: countOf(fields, "upload_parallelism", 4),
    attemptsMax: fields.peek("retry_max_attempts") === undefined ? undefined : countOf(fields, "retry_max_attempts", 1),
    credentials: s3Credentials(fields, env),
  };
}

function s3Credentials(fields: FlagFields, env: Environment): S3Place["credentials"] {
  const id = fields.take("access_key_id");
  const secret = fields.take("secret_access_key");
  const session = fields.take("session_token");
  if (id !== undefined && secret !== undefined) return { id, secret, session };
  const [envId, envSecret] = [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]];
  return envId === undefined || envSecret === undefined ? undefined : { id: envId, secret: envSecret, session: env["AWS_SESSION_TOKEN"] };
}

function azblobPlace(fields: FlagFields, env: Environment): AzblobPlace {
  const accountUrl = fields.take("account_url") ?? env["BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"];
  if (accountUrl === undefined || !URL.canParse(accountUrl)) throw fields.error("either ${BUILDKIT_AZURE_STORAGE_ACCOUNT_URL} or account_url attribute is required for azblob cache");
  const prefix = fields.take("prefix") ?? env["BUILDKIT_AZURE_STORAGE_PREFIX"] ?? "";
  const below = (folder: string): string => [prefix, folder].filter((part) => part !== "").join("/");
  return {
    accountUrl,
    accountName: fields.take("account_name") ?? env["BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME"] ?? new URL(accountUrl).hostname.split(".")[0] ?? "",
    container: fields.take("container") ?? env["BUILDKIT_AZURE_STORAGE_CONTAINER"] ?? "buildkit-cache",
    names: (fields.take("name") ?? "buildkit").split(";"),
    manifestsPrefix: below(fields.take("manifests_prefix") ?? "manifests"),
    blobsPrefix: below(fields.take("blobs_prefix") ?? "blobs"),
    key: fields.take("secret_access_key"),
  };
}

function countOf(fields: FlagFields, key: string, absent: number): number {
  const text = fields.take(key);
  const count = text === undefined ? absent : Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw fields.error(`${key} must be a positive integer`);
  return count;
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Go's durations, as far as anybody writes them: `1h30m`, `10m`, `0.5s`. */
function durationOf(fields: FlagFields, key: string, absentMs: number): number {
  const text = fields.take(key);
  if (text === undefined) return absentMs;
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/.test(text)) throw fields.error(`${key}=${text} is no duration: write 10m or 1h30m`);
  return [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit ?? ""] ?? 0), 0);
}
