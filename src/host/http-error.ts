/** What kept an exchange from happening. An answer of any status is no error here. */
export type HttpErrorCode =
  /** No connection: name, route, port, proxy. */
  | "unreachable"
  /** Connected, then silent for too long. */
  | "timeout"
  /** The server's certificate is not to be believed. */
  | "untrusted"
  /** The other end does not speak TLS: mostly a plain HTTP server. */
  | "not-tls"
  /** Too many redirects, or one that must not be followed. */
  | "redirect"
  /** The connection broke, or what came over it was no HTTP. */
  | "broken";

export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: HttpErrorCode;

  constructor(code: HttpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get retryable(): boolean {
    return this.code === "unreachable" || this.code === "timeout" || this.code === "broken";
  }
}

/** A URL as it may be shown: neither user nor query, since signed URLs carry their credentials there. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : "?…"}`;
}

/** Turns what Node throws into an error that says what was asked, and through which proxy. */
export function httpError(error: unknown, asked: string, proxy: URL | undefined): HttpError {
  const through = proxy === undefined ? "" : ` (through the proxy ${shownUrl(proxy)})`;
  if (error instanceof HttpError) return new HttpError(error.code, `${asked}: ${error.message}${through}`, { cause: error.cause });
  return new HttpError(codeOf(error), `${asked}: ${describe(error)}${through}`, { cause: error });
}

const UNREACHABLE = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ETIMEDOUT|ENOENT|ERR_PROXY_\w+)$/;
const UNTRUSTED = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|ERR_TLS_CERT)/;
const NOT_TLS = /^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNSUPPORTED_PROTOCOL|UNKNOWN_PROTOCOL))$/;

function codeOf(error: unknown): HttpErrorCode {
  const code = systemCode(error);
  if (UNREACHABLE.test(code)) return "unreachable";
  if (UNTRUSTED.test(code)) return "untrusted";
  return NOT_TLS.test(code) ? "not-tls" : "broken";
}

function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Node tries several addresses of one name, and puts what each said into an error that says nothing itself. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(describe))].join("; ");
  return error instanceof Error ? error.message : String(error);
}
