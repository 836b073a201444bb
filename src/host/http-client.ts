import type { IncomingMessage } from "node:http";
import type { Environment } from "./environment.ts";
import { openAgents } from "./http-agents.ts";
import { HttpError, httpError, shownUrl } from "./http-error.ts";
import { exchange, StaleConnectionError, type HttpBody, type HttpPatience, type WireResponse } from "./http-exchange.ts";
import { proxyFor } from "./http-proxy.ts";
import type { TlsSettings } from "./http-trust.ts";

export type HttpMethod = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface HttpRequest {
  readonly method: HttpMethod;
  /** User and password in it are ignored; credentials go into a header. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  readonly tls?: TlsSettings;
}

export interface HttpResponse {
  readonly status: number;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** The proxy that was passed, without its credentials. */
  readonly proxy: string | undefined;
  header(name: string): string | undefined;
  /** Read it to the end, leave it early, or discard it: until then the connection is held. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the connection back without looking at the body. */
  discard(): Promise<void>;
}

/** HTTP with the machine's proxies and authorities. Connections are kept for the next request; disposal closes them. */
export interface HttpClient extends AsyncDisposable {
  /** Any status is an answer. Rejects with HttpError, with what `body` threw, or with `signal.reason`. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
}

/** Registries redirect once to a content network, rarely twice. */
const REDIRECTS_MAX = 5;
/** A body that nobody wants is read up to here, to keep the connection; a longer one costs more than a new one. */
const DISCARD_BYTES_MAX = 64 * 1024;
const PATIENCE: HttpPatience = { connectMs: 30_000, answerMs: 300_000, idleMs: 60_000 };
const SECRET_HEADERS: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

export function openHttpClient(env: Environment, patience: HttpPatience = PATIENCE): HttpClient {
  const agents = openAgents(env);

  async function sendOnce(request: HttpRequest, origin: string, signal: AbortSignal): Promise<HttpResponse> {
    const proxy = proxyFor(request.url, env);
    const asked = `${request.method} ${shownUrl(request.url)}`;
    const wire = { method: request.method, url: bareUrl(request.url), headers: request.headers ?? {}, body: request.body, patience };
    let bodyFailure: BodyFailure | undefined;
    const body = request.body === undefined ? undefined : watched(request.body, (failure) => void (bodyFailure = failure));
    try {
      const agent = await agents.agentFor(request, origin, proxy);
      const attempt = (): Promise<WireResponse> => exchange({ ...wire, body, agent }, signal);
      const answer = await attempt().catch((error: unknown) => {
        if (error instanceof StaleConnectionError) return attempt();
        throw error;
      });
      return responseOf(answer, request.url, proxy, (error) => (signal.aborted ? signal.reason : httpError(error, asked, proxy)));
    } catch (error) {
      signal.throwIfAborted();
      if (bodyFailure !== undefined) throw bodyFailure.error;
      throw httpError(error, asked, proxy);
    }
  }

  return {
    async send(request, signal) {
      let current = request;
      for (let followed = 0; ; followed++) {
        const response = await sendOnce(current, request.url.origin, signal);
        const next = redirected(current, response);
        if (next === undefined) return response;
        await response.discard();
        if (followed === REDIRECTS_MAX) throw new HttpError("redirect", `${request.method} ${shownUrl(request.url)}: more than ${REDIRECTS_MAX} redirects`);
        current = next;
      }
    },
    [Symbol.asyncDispose]: async () => agents.destroy(),
  };
}

/** A body of bytes that are in memory. */
export function bodyOf(bytes: Uint8Array): HttpBody {
  return {
    sizeBytes: bytes.byteLength,
    async *open() {
      yield bytes;
    },
  };
}

interface BodyFailure {
  readonly error: unknown;
}

/** Tells the source's failures, which are the caller's to understand, from the connection's. */
function watched(body: HttpBody, onFailure: (failure: BodyFailure) => void): HttpBody {
  return {
    sizeBytes: body.sizeBytes,
    async *open() {
      const chunks = body.open();
      try {
        yield* chunks;
      } catch (error) {
        onFailure({ error });
        throw error;
      }
    },
  };
}

function bareUrl(url: URL): URL {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare;
}

function responseOf({ message, body }: WireResponse, url: URL, proxy: URL | undefined, explain: (error: unknown) => unknown): HttpResponse {
  const read = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw explain(error);
    }
  };
  return {
    status: message.statusCode ?? 0,
    url,
    proxy: proxy === undefined ? undefined : shownUrl(proxy),
    header: (name) => headerOf(message, name),
    body: { [Symbol.asyncIterator]: read },
    async discard() {
      let seenBytes = 0;
      for await (const chunk of body) {
        seenBytes += chunk.byteLength;
        if (seenBytes > DISCARD_BYTES_MAX) break;
      }
    },
  };
}

function headerOf(message: IncomingMessage, name: string): string | undefined {
  const value = message.headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** The request that a redirect asks for. A 301, 302 or 303 repeats only what has no effect; 307 and 308 repeat all. */
function redirected(request: HttpRequest, response: HttpResponse): HttpRequest | undefined {
  const location = response.header("location");
  const isSafe = request.method === "GET" || request.method === "HEAD";
  const follows = response.status === 307 || response.status === 308 || (isSafe && [301, 302, 303].includes(response.status));
  if (!follows || location === undefined) return undefined;
  const url = URL.parse(location, request.url.href);
  const asked = `${request.method} ${shownUrl(request.url)}`;
  if (url === null || !["http:", "https:"].includes(url.protocol)) throw new HttpError("redirect", `${asked}: redirected to no URL of HTTP`);
  if (request.url.protocol === "https:" && url.protocol === "http:") {
    throw new HttpError("redirect", `${asked}: redirected to ${shownUrl(url)}, which is not encrypted`);
  }
  if (url.origin === request.url.origin) return { ...request, url };
  const headers = Object.fromEntries(Object.entries(request.headers ?? {}).filter(([name]) => !SECRET_HEADERS.has(name.toLowerCase())));
  return { ...request, url, headers };
}
