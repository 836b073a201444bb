import { collectBytes } from "../content/bytes.ts";
import { HttpError } from "../host/http-error.ts";
import type { HttpResponse } from "../host/http-client.ts";
import type { Identity } from "./authorizer.ts";
import { describeIdentity } from "./credential.ts";
import { RegistryError, type RegistryErrorCode, type RegistryErrorOptions } from "./registry-error.ts";
import { TokenProtocolError, TokenRefusedError } from "./token-service.ts";

/** What is known where a refusal is put into words. */
export interface Attempt {
  /** What we were about, subject first: `docker.io/library/alpine:3`. */
  readonly what: string;
  /** The registry as people name it. */
  readonly registry: string;
  /** The server that was asked. */
  readonly host: string;
  /** The settings file to point at. */
  readonly settings: string;
  readonly identity: Identity;
}

/** The error for an answer that refuses. Reads the answer's body for the registry's own words. */
export async function refusalOf(response: HttpResponse, attempt: Attempt): Promise<RegistryError> {
  const said = await readMessage(response);
  const { status } = response;
  const words = said === "" ? `status ${status}` : `status ${status}: ${said}`;
  if (status === 407) return error("unavailable", attempt, `the proxy ${response.proxy ?? ""} asks for a login; put it into the proxy's variable`, { status });
  if (status === 429) return rateLimited(response, attempt, said);
  if (response.url.host !== attempt.host && (status === 401 || status === 403)) return elsewhereRefused(response, attempt, { words, said });
  if (status === 401) return unauthorized(attempt, words, { status, said });
  if (status === 403) return denied(attempt, words, { status, said });
  const through = response.proxy === undefined ? "" : ` through the proxy ${response.proxy}`;
  return error(codeOf(status), attempt, `${attempt.host} answers with ${words}${through}`, { status, said, retryAfterMs: retryAfterMs(response) });
}

/** A content network takes the permission that the registry has put into the URL, or none. */
function elsewhereRefused({ url, status }: HttpResponse, attempt: Attempt, { words, said }: { readonly words: string; readonly said: string }): RegistryError {
  const message = `${url.host}, to which ${attempt.host} sends us, answers with ${words}; credentials for ${attempt.host} are not shown there: try again, or ask whoever runs ${attempt.host}`;
  return error(status === 401 ? "unauthorized" : "denied", attempt, message, { status, said });
}

/** The error for an exchange that did not come about, or whose token did not. Anything else is passed on. */
export async function failureOf(cause: unknown, attempt: Attempt): Promise<unknown> {
  if (cause instanceof TokenRefusedError) return await tokenRefused(cause.response, attempt);
  if (cause instanceof TokenProtocolError) return error("protocol", attempt, cause.message, { cause });
  if (!(cause instanceof HttpError)) return cause;
  const table = `[registry."${attempt.registry}"] in ${attempt.settings}`;
  switch (cause.code) {
    case "untrusted":
      return error("untrusted", attempt, `${cause.message}; name its authority with ca = ["/path/ca.pem"] under ${table}`, { cause });
    case "not-tls":
      return error("untrusted", attempt, `${cause.message}; if it speaks plain HTTP, set http = true under ${table}`, { cause });
    case "redirect":
      return error("protocol", attempt, cause.message, { cause });
    case "unreachable":
      return error("unavailable", attempt, `${cause.message}; is it up, and reached from here? else set a proxy (HTTPS_PROXY), or mirrors = ["…"] under ${table}`, { cause });
    case "timeout":
    case "broken":
      return error("unavailable", attempt, `${cause.message}; try again, or set mirrors = ["…"] under ${table}`, { cause });
  }
}

export function protocolError(attempt: { readonly what: string }, message: string): RegistryError {
  return new RegistryError("protocol", `${attempt.what}: ${message}`);
}

function codeOf(status: number): RegistryErrorCode {
  if (status === 404) return "not-found";
  if (status === 408 || status >= 500) return "unavailable";
  return status >= 400 ? "rejected" : "protocol";
}

function error(code: RegistryErrorCode, attempt: Attempt, message: string, options: ConstructorParameters<typeof RegistryError>[2]): RegistryError {
  return new RegistryError(code, `${attempt.what}: ${message}`, options);
}

type Answer = Required<Pick<RegistryErrorOptions, "status" | "said">>;

function unauthorized(attempt: Attempt, words: string, answer: Answer): RegistryError {
  const { identity, registry, host } = attempt;
  if (identity.found !== undefined) {
    const message = `${host} does not let ${describeIdentity(identity.found)} do this (${words}); is the login still good, and is the repository theirs? else "stemma login ${registry}"`;
    return error("unauthorized", attempt, message, answer);
  }
  return error("unauthorized", attempt, `${host} asks for a login (${words}); ${nothingFound(identity, registry)}`, { ...answer, cause: identity.problem });
}

function denied(attempt: Attempt, words: string, answer: Answer): RegistryError {
  const { identity, registry, host } = attempt;
  if (identity.found === undefined) {
    return error("denied", attempt, `${host} denies this to those who are not logged in (${words}); ${nothingFound(identity, registry)}`, { ...answer, cause: identity.problem });
  }
  return error("denied", attempt, `${host} denies this to ${describeIdentity(identity.found)} (${words}); give that account the right, or "stemma login ${registry}" as another`, answer);
}

function nothingFound({ problem, places }: Identity, registry: string): string {
  const why = problem === undefined ? `no credentials for ${registry} in ${places}` : `credentials could not be read: ${problem.message}`;
  return `${why}; "stemma login ${registry}" stores some`;
}

async function tokenRefused(response: HttpResponse, attempt: Attempt): Promise<RegistryError> {
  const at = { ...attempt, host: `${response.url.host} (which gives tokens for ${attempt.host})` };
  const { found } = attempt.identity;
  if ((response.status !== 400 && response.status !== 401) || found === undefined) return await refusalOf(response, at);
  const said = await readMessage(response);
  const message = `${at.host} does not accept ${describeIdentity(found)} (status ${response.status}${said === "" ? "" : `: ${said}`}); "stemma login ${attempt.registry}" stores new credentials`;
  return error("unauthorized", attempt, message, { status: response.status });
}

function rateLimited(response: HttpResponse, attempt: Attempt, said: string): RegistryError {
  const waitMs = retryAfterMs(response);
  const details = [
    described(response, "ratelimit-limit", "limit"),
    described(response, "ratelimit-remaining", "remaining"),
    described(response, "ratelimit-reset", "reset"),
    described(response, "x-ratelimit-reset", "reset"),
    described(response, "docker-ratelimit-source", "counted for"),
    waitMs === undefined ? undefined : `retry after ${Math.ceil(waitMs / 1000)} s`,
    said === "" ? undefined : said,
  ].filter((part) => part !== undefined);
  const { found } = attempt.identity;
  const who = found === undefined ? "us, asking as nobody" : describeIdentity(found);
  const advice = found === undefined ? `"stemma login ${attempt.registry}" often raises the limit, and` : "";
  const message = `${attempt.host} has had too many requests from ${who}${details.length === 0 ? "" : ` (${details.join(", ")})`}; ${advice} mirrors = ["…"] under [registry."${attempt.registry}"] in ${attempt.settings} avoids it`;
  return error("rate-limited", attempt, message.replace(";  ", "; "), { status: response.status, retryAfterMs: waitMs });
}

function described(response: HttpResponse, header: string, name: string): string | undefined {
  const value = response.header(header);
  return value === undefined ? undefined : `${name} ${value}`;
}

/** RFC 9110, Retry-After: seconds, or a date. A date is counted from the server's own, as our clock need not agree with its. */
function retryAfterMs(response: HttpResponse): number | undefined {
  const value = response.header("retry-after");
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const waitMs = Date.parse(value) - Date.parse(response.header("date") ?? "");
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

const MESSAGE_BYTES_MAX = 64 * 1024;
const MESSAGE_LENGTH_MAX = 500;

/** distribution-spec, "Error Codes": `{"errors":[{code, message, detail}]}`; else what stands there, if it is text. */
async function readMessage(response: HttpResponse): Promise<string> {
  let text: string;
  try {
    text = (await collectBytes(response.body, MESSAGE_BYTES_MAX)).toString("utf8");
  } catch (cause) {
    // The status is the answer; its explanation is too long, or broke off.
    if (cause instanceof RangeError || cause instanceof HttpError) return "";
    throw cause;
  }
  const type = response.header("content-type") ?? "";
  return (errorsIn(text) ?? (type.startsWith("text/plain") ? text.trim().replace(/\s+/g, " ") : "")).slice(0, MESSAGE_LENGTH_MAX);
}

function errorsIn(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Proxies and content networks answer with pages.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { errors, message, details, error_description: description } = value as Readonly<Record<string, unknown>>;
  if (Array.isArray(errors)) return errors.map(describeError).filter(Boolean).join("; ");
  return [description, details, message].find((one) => typeof one === "string");
}

function describeError(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const { code, message, detail } = value as Readonly<Record<string, unknown>>;
  return [code, message, detail].filter((part) => typeof part === "string" && part !== "").join(": ");
}
