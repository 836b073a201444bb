import { collectBytes } from "../content/bytes.ts";
import { bodyOf, type HttpClient, type HttpResponse } from "../host/http-client.ts";
import { isLoopback } from "../host/http-proxy.ts";
import type { TlsSettings } from "../host/http-trust.ts";
import type { Challenge } from "./challenge.ts";
import type { Credential } from "./credential.ts";
import type { Scope } from "./scope.ts";

export interface Token {
  readonly value: string;
  readonly scopes: readonly Scope[];
  /** How long it may be used from now. */
  readonly lifetimeMs: number;
}

/** The service's own refusal: its answer, for the caller to turn into words. */
export class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
  readonly response: HttpResponse;
  constructor(response: HttpResponse) {
    super(`token service answers ${response.status}`);
    this.response = response;
  }
}

/** An answer, or a challenge, that is none by distribution's token specification. */
export class TokenProtocolError extends Error {
  override readonly name = "TokenProtocolError";
}

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly Scope[];
  readonly credential: Credential | undefined;
  readonly tls: TlsSettings;
  /** The registry that sent us here. */
  readonly registry: URL;
}

/** By specification, where the service does not say; also the least that we believe. */
const LIFETIME_SECONDS_DEFAULT = 60;
const ANSWER_BYTES_MAX = 1024 * 1024;
const CLIENT_ID = "stemma";

/** How a service answers that has no GET, and is OAuth2's alone. */
const NO_GET: readonly number[] = [404, 405];

/** Distribution's token specification: GET with a password or nothing, OAuth2's POST with an identity token. */
export async function fetchToken(http: HttpClient, request: TokenRequest, signal: AbortSignal): Promise<Token> {
  const realm = realmOf(request);
  const service = request.challenge.parameters.get("service");
  const response = await answerOf(http, realm, request, signal);
  if (response.status !== 200) throw new TokenRefusedError(response);
  const answer = await readAnswer(response);
  const value = answer["token"] || answer["access_token"];
  if (typeof value !== "string" || value === "") throw new TokenProtocolError(`token service ${realm.host}${service === undefined ? "" : ` (${service})`} sent no token`);
  const seconds = typeof answer["expires_in"] === "number" ? answer["expires_in"] : LIFETIME_SECONDS_DEFAULT;
  return { value, scopes: request.scopes, lifetimeMs: Math.max(seconds, LIFETIME_SECONDS_DEFAULT) * 1000 };
}

function realmOf({ challenge, credential, registry }: TokenRequest): URL {
  const realm = URL.parse(challenge.parameters.get("realm") ?? "", registry.href);
  if (realm === null || !["http:", "https:"].includes(realm.protocol) || !challenge.parameters.has("realm")) throw new TokenProtocolError("registry asks for a token and does not say where");
  const exposes = realm.protocol !== "https:" && !isLoopback(realm) && registry.protocol === "https:";
  if (credential !== undefined && exposes) throw new TokenProtocolError(`token service ${realm.host} is not encrypted; credentials are not sent there`);
  return realm;
}

/** A password is good for both ways, and some services have one of them only. */
async function answerOf(http: HttpClient, realm: URL, request: TokenRequest, signal: AbortSignal): Promise<HttpResponse> {
  const { credential } = request;
  if (credential?.kind === "identity") return await post(http, realm, { ...request, grant: { grant_type: "refresh_token", refresh_token: credential.token } }, signal);
  const response = await get(http, realm, request, signal);
  if (credential?.kind !== "basic" || !NO_GET.includes(response.status)) return response;
  await response.discard();
  const { username, password } = credential;
  return await post(http, realm, { ...request, grant: { grant_type: "password", username, password } }, signal);
}

async function get(http: HttpClient, realm: URL, { challenge, scopes, credential, tls }: TokenRequest, signal: AbortSignal): Promise<HttpResponse> {
  const url = new URL(realm);
  const service = challenge.parameters.get("service");
  if (service !== undefined) url.searchParams.append("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credential?.kind !== "basic") return await http.send({ method: "GET", url, tls }, signal);
  url.searchParams.append("account", credential.username);
  return await http.send({ method: "GET", url, tls, headers: { authorization: basicAuthorization(credential) } }, signal);
}

interface GrantRequest extends TokenRequest {
  readonly grant: Readonly<Record<string, string>>;
}

async function post(http: HttpClient, url: URL, { challenge, scopes, grant, tls }: GrantRequest, signal: AbortSignal): Promise<HttpResponse> {
  const form = new URLSearchParams({ ...grant, service: challenge.parameters.get("service") ?? "", client_id: CLIENT_ID });
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return await http.send({ method: "POST", url, tls, headers, body: bodyOf(Buffer.from(form.toString())) }, signal);
}

export function basicAuthorization({ username, password }: Extract<Credential, { kind: "basic" }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

async function readAnswer(response: HttpResponse): Promise<Readonly<Record<string, unknown>>> {
  const text = (await collectBytes(response.body, ANSWER_BYTES_MAX)).toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    // The text may hold a token, so it is not repeated.
    throw new TokenProtocolError(`token service ${response.url.host} sent no JSON`);
  }
}
