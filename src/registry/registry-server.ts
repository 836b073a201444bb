import type { Clock } from "../host/clock.ts";
import type { HttpClient, HttpMethod, HttpResponse } from "../host/http-client.ts";
import { HttpError } from "../host/http-error.ts";
import type { HttpBody } from "../host/http-exchange.ts";
import { createAuthorizer, type Identity } from "./authorizer.ts";
import type { CredentialStore } from "./credential.ts";
import type { Endpoint } from "./endpoint.ts";
import { failureOf, refusalOf, type Attempt } from "./refusal.ts";
import type { Scope } from "./scope.ts";

/** One call of distribution-spec's interface. */
export interface ServerCall {
  readonly method: HttpMethod;
  /** Below the endpoint's base, or a URL that the registry gave us. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  readonly scopes: readonly Scope[];
  /** Statuses that are answers; all others become a RegistryError. */
  readonly expected: readonly number[];
  /** What we are about, for messages: subject first. */
  readonly what: string;
}

/** One server of a registry, with who we are to it. */
export interface RegistryServer {
  readonly endpoint: Endpoint;
  /** Rejects with RegistryError. The caller owns the response's body. */
  call(call: ServerCall, signal: AbortSignal): Promise<HttpResponse>;
  /** What went wrong, in this registry's words: for a body that broke off. Passes on what is not the registry's doing. */
  explain(error: unknown, what: string, signal: AbortSignal): Promise<unknown>;
  identity(signal: AbortSignal): Promise<Identity>;
}

export interface RegistryServerOptions {
  readonly endpoint: Endpoint;
  readonly credentials: CredentialStore;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly lifetime: AbortSignal;
  /** The settings file, for messages. */
  readonly settings: string;
}

/** A first answer may say who to be, a second that the token was too old or too narrow. */
const CHALLENGES_MAX = 2;

export function createRegistryServer(options: RegistryServerOptions): RegistryServer {
  const { endpoint, http, settings } = options;
  const authorizer = createAuthorizer(options);
  let base = endpoint.base;

  async function attemptOf(what: string, signal: AbortSignal): Promise<Attempt> {
    return { what, registry: endpoint.name, host: base.host, settings, identity: await authorizer.identity(signal) };
  }

  async function send(call: ServerCall, authorization: string | undefined, signal: AbortSignal): Promise<HttpResponse> {
    const { method, body } = call;
    const at = (origin: URL): URL => (call.target instanceof URL ? call.target : urlOf(call.target, origin, endpoint.namespace));
    // What a registry sends us elsewhere for has its own permission in the URL.
    const isOurs = at(base).origin === base.origin;
    const headers = { "user-agent": "stemma", ...call.headers, ...(authorization === undefined || !isOurs ? {} : { authorization }) };
    const request = { method, headers, tls: endpoint.tls, ...(body === undefined ? {} : { body }) };
    try {
      return await http.send({ ...request, url: at(base) }, signal);
    } catch (error) {
      if (endpoint.fallback === undefined || base === endpoint.fallback || !(error instanceof HttpError) || !["not-tls", "unreachable"].includes(error.code)) throw error;
      base = endpoint.fallback;
      return await http.send({ ...request, url: at(base) }, signal);
    }
  }

  async function authorized(call: ServerCall, signal: AbortSignal): Promise<HttpResponse> {
    let authorization = await authorizer.authorization(call.scopes, signal);
    for (let challenges = 0; ; challenges++) {
      const response = await send(call, authorization, signal);
      // A host that the registry sends us to may not ask for what is the registry's to know, nor say who else should be told.
      if (response.status !== 401 || challenges === CHALLENGES_MAX || response.url.origin !== base.origin) return response;
      const scopes = authorizer.challenge(response.header("www-authenticate"), call.scopes, authorization);
      if (scopes === undefined) return response;
      const next = await authorizer.authorization(scopes, signal).catch(async (error: unknown) => {
        await response.discard();
        throw error;
      });
      if (next === authorization) return response;
      await response.discard();
      authorization = next;
    }
  }

  async function explain(error: unknown, what: string, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    return await failureOf(error, await attemptOf(what, signal));
  }

  return {
    endpoint,
    explain,
    identity: (signal) => authorizer.identity(signal),
    async call(call, signal) {
      let response: HttpResponse;
      try {
        response = await authorized(call, signal);
      } catch (error) {
        throw await explain(error, call.what, signal);
      }
      if (call.expected.includes(response.status)) return response;
      throw await refusalOf(response, await attemptOf(call.what, signal));
    },
  };
}

/** A URL that the registry sent, as we may use it. */
export function resolveLocation(location: string, from: URL): URL | undefined {
  const url = URL.parse(location, from.href);
  // Behind a proxy that ends TLS, some registries take themselves for plain HTTP.
  if (url !== null && url.protocol === "http:" && from.protocol === "https:" && url.hostname === from.hostname) {
    url.protocol = "https:";
    url.port = from.port;
  }
  return url ?? undefined;
}

function urlOf(path: string, base: URL, namespace: string | undefined): URL {
  const url = new URL(path, base);
  if (namespace !== undefined) url.searchParams.append("ns", namespace);
  return url;
}
