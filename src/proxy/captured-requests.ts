import type { Digest } from "../content/digest.ts";
import { redactUrl } from "../scrub/url.ts";

/** A file that came whole. */
export interface FetchedFile {
  readonly url: string;
  /** sha256 of the body as the server sent it. */
  readonly digest: Digest;
}

/** A request whose answer cannot be named by a digest, or was none. */
export interface IncompleteRequest {
  readonly method: string;
  readonly url: string;
  readonly reason: IncompleteReason;
}

/** BuildKit's words. */
export type IncompleteReason = "method_not_materializable" | "partial_response" | "response_transformed" | "body_read_failed" | "unsuccessful_response" | "upstream_error";

/** What one step asked of the network. */
export interface StepRequests {
  readonly files: readonly FetchedFile[];
  readonly incomplete: readonly IncompleteRequest[];
}

interface Passed {
  readonly method: string;
  readonly url: string;
  /** What was answered; undefined: nothing was asked, since no TLS came about. */
  readonly status: number | undefined;
}

/** What passes through one step's proxy. URLs are kept as a record may show them: without credentials, and without the port that goes without saying. */
export class CapturedRequests {
  readonly #passed: Passed[] = [];
  readonly #redirects = new Map<string, string>();
  readonly #files: FetchedFile[] = [];
  readonly #incomplete: IncompleteRequest[] = [];

  /** A request that was answered. `location` is where the answer sends the client, as a URL. */
  answered(method: string, url: string, status: number, location?: string): void {
    this.#passed.push({ method, url: shownUrl(url), status });
    if (location !== undefined && shownUrl(location) !== shownUrl(url)) this.#redirects.set(shownUrl(url), shownUrl(location));
  }

  /** Who asked for this host did not go on. `authority` is HOST:PORT. */
  refusedTls(authority: string): void {
    this.#passed.push({ method: "CONNECT", url: authority, status: undefined });
  }

  fetched(url: string, digest: Digest): void {
    this.#files.push({ url: shownUrl(url), digest });
  }

  incomplete(method: string, url: string, reason: IncompleteReason): void {
    this.#incomplete.push({ method, url: shownUrl(url), reason });
  }

  /** The files with the URLs that led to them, which is by what name the step knows them. */
  summary(): StepRequests {
    const digests = new Map(this.#files.map(({ url, digest }) => [url, digest]));
    const led = [...this.#redirects].flatMap(([url]) => {
      const digest = digests.has(url) ? undefined : this.#atEnd(url, digests);
      return digest === undefined ? [] : [{ url, digest }];
    });
    return { files: [...this.#files, ...led], incomplete: this.#incomplete };
  }

  /** For the step's output, in BuildKit's form; empty where nothing was asked for. */
  lines(): string {
    if (this.#passed.length === 0) return "";
    const line = ({ method, url, status }: Passed): string => (status === undefined ? `- ${method} ${url}: no TLS came about: does the program trust the machine's authorities, as /etc/ssl has them?\n` : `- ${method} ${url} -> ${status}\n`);
    return `proxy network requests:\n${this.#passed.map(line).join("")}`;
  }

  #atEnd(url: string, digests: ReadonlyMap<string, Digest>): Digest | undefined {
    const seen = new Set<string>();
    let current: string | undefined = url;
    while (current !== undefined && !seen.has(current)) {
      const digest = digests.get(current);
      if (digest !== undefined) return digest;
      seen.add(current);
      current = this.#redirects.get(current);
    }
    return undefined;
  }
}

function shownUrl(url: string): string {
  return redactUrl(url.replace(/^(http:\/\/[^/?#]*):80(?=[/?#]|$)|^(https:\/\/[^/?#]*):443(?=[/?#]|$)/i, "$1$2"));
}
