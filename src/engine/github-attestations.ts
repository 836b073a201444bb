import { collectBytes } from "../content/bytes.ts";
import { unsnappy } from "../content/snappy.ts";
import type { Environment } from "../host/environment.ts";
import { shownUrl } from "../host/http-error.ts";
import type { HttpGet } from "../source/http.ts";
import { TrustError } from "../trust/trust-error.ts";
import { artifactSignature } from "./image-signatures.ts";
import { openSigstore } from "./trust-root.ts";

/** Bundles of one file, of which GitHub lists thirty; each may be as large as one that lies in a file of the context. */
const BUNDLE_BYTES_MAX = 8 * 1024 * 1024;
const LIST_BYTES_MAX = 32 * 1024 * 1024;
const BUNDLES_MAX = 30;

const PROVENANCE = "https://slsa.dev/provenance/v1";

export interface GithubMeans {
  readonly get: HttpGet;
  readonly env: Environment;
}

/**
 * Of the attestations that GitHub has in this repository of the file, the first that is a signed SLSA provenance about it. Throws
 * TrustError: "invalid" where there is none, "unreachable" where GitHub does not say what there is.
 */
export async function githubAttestation(sha256: string, repository: string, { get, env }: GithubMeans, signal: AbortSignal): Promise<object> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new TrustError("invalid", `github_attestation: ${JSON.stringify(repository)} is no repository of the form OWNER/NAME`);
  // Nothing is asked for what could not be verified.
  await openSigstore(env);
  const name = `${repository}@sha256:${sha256}`;
  const { inline, urls } = await listed(name, `https://api.github.com/repos/${repository}/attestations/sha256:${sha256}?predicate_type=${encodeURIComponent(PROVENANCE)}`, get, signal);
  const problems: TrustError[] = [];
  for (const read of [...inline.map((bundle) => async (): Promise<Uint8Array> => bundle), ...urls.map((url) => async (): Promise<Uint8Array> => await bundleAt(url, get, signal))]) {
    try {
      return await artifactSignature(await read(), { sha256, bytes: undefined }, env);
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      problems.push(error);
    }
  }
  // One that could not be read may have been the one.
  const missed = problems.find(({ code }) => code !== "invalid");
  if (missed !== undefined) throw missed;
  throw new TrustError("invalid", problems.length === 0 ? `github_attestation: no bundle found for ${name}` : `github_attestation: failed verifying bundle for ${name}: ${problems.map(({ message }) => message).join("; ")}`);
}

interface Listed {
  readonly inline: readonly Uint8Array[];
  readonly urls: readonly string[];
}

async function listed(name: string, url: string, get: HttpGet, signal: AbortSignal): Promise<Listed> {
  const bytes = await fetched(url, LIST_BYTES_MAX, { get, headers: { accept: "application/vnd.github+json" } }, signal);
  if (bytes === undefined) throw new TrustError("invalid", `github_attestation: no bundle found for ${name}`);
  const { attestations } = parsed(bytes, url);
  if (!Array.isArray(attestations)) throw new TrustError("unreachable", `github_attestation: ${shownUrl(new URL(url))} gave no list of attestations`);
  const found = attestations.slice(0, BUNDLES_MAX).map((each: unknown) => (typeof each === "object" && each !== null ? (each as { readonly bundle?: unknown; readonly bundle_url?: unknown }) : {}));
  return {
    inline: found.flatMap(({ bundle }) => (bundle === undefined || bundle === null ? [] : [Buffer.from(JSON.stringify(bundle))])),
    urls: found.flatMap(({ bundle_url: bundleUrl }) => (typeof bundleUrl === "string" && bundleUrl !== "" ? [bundleUrl] : [])),
  };
}

function parsed(bytes: Uint8Array, url: string): { readonly attestations?: unknown } {
  try {
    const answer: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof answer === "object" && answer !== null ? answer : {};
  } catch (error) {
    throw new TrustError("unreachable", `github_attestation: ${shownUrl(new URL(url))} answered with what is no JSON`, { cause: error });
  }
}

/** Where the list has a bundle elsewhere; GitHub keeps them compressed. */
async function bundleAt(url: string, get: HttpGet, signal: AbortSignal): Promise<Uint8Array> {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new TrustError("invalid", "github_attestation: a bundle_url is no address of the web");
  const bytes = await fetched(url, BUNDLE_BYTES_MAX, { get, headers: {} }, signal);
  if (bytes === undefined) throw new TrustError("unreachable", `github_attestation: ${withoutQuery(url)} is not there`);
  if (!new URL(url).pathname.endsWith(".json.sn")) return bytes;
  try {
    return unsnappy(bytes, BUNDLE_BYTES_MAX);
  } catch (error) {
    if (error instanceof RangeError) throw new TrustError("invalid", `github_attestation: failed decoding snappy bundle_url ${withoutQuery(url)}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Undefined where it is not there. */
async function fetched(url: string, limitBytes: number, { get, headers }: { readonly get: HttpGet; readonly headers: Readonly<Record<string, string>> }, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const { status, body } = await get(url, headers, signal);
  const bytes = await collectBytes(body, limitBytes).catch((error: unknown) => {
    if (error instanceof RangeError) throw new TrustError("unreachable", `github_attestation: ${withoutQuery(url)} sent ${error.message}`, { cause: error });
    throw error;
  });
  if (status === 404) return undefined;
  if (status < 200 || status > 299) throw new TrustError("unreachable", `github_attestation: ${withoutQuery(url)} answered with status ${status}`);
  return bytes;
}

/** What stands there may be a signature that lets whoever has it in. */
function withoutQuery(url: string): string {
  const shown = new URL(url);
  shown.search = "";
  return shownUrl(shown);
}
