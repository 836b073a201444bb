import { createHash } from "node:crypto";
import type { Agent, IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseDigest, type Digest } from "../content/digest.ts";
import { nodeHttp, nodeHttps } from "../host/network-modules.ts";
import type { CapturedRequests, IncompleteReason } from "./captured-requests.ts";

/** Where a request goes, as it was asked for. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Absolute. */
  readonly url: URL;
}

export interface Forwarding {
  /** What is to be asked for in place of `url`; rejects for what is not let in. Undefined: nobody has to be asked. */
  readonly admit: ((method: string, url: string) => Promise<string>) | undefined;
  readonly agentFor: (url: URL) => Promise<Agent>;
  readonly captured: CapturedRequests;
}

/** Those of one connection, not of the request (RFC 9110 §7.6.1). What a proxy is asked with goes no further either. */
const HOP_HEADERS: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/** Passes one request on, and its answer back, while it is hashed. Rejects with nothing: what goes wrong is answered, and captured. */
export async function forwardRequest({ request, response, url }: Asked, { admit, agentFor, captured }: Forwarding): Promise<void> {
  const method = request.method ?? "GET";
  let target = url;
  try {
    const admitted = await admit?.(method, url.href);
    if (admitted !== undefined) target = new URL(admitted);
  } catch (error) {
    captured.answered(method, url.href, 403);
    return refuse(response, 403, `Forbidden: ${(error as Error).message}`);
  }
  let answer: IncomingMessage;
  try {
    answer = await send({ request, response, url: target }, { agent: await agentFor(target), host: target === url ? request.headers.host : undefined });
  } catch (error) {
    captured.answered(method, target.href, 502);
    captured.incomplete(method, target.href, "upstream_error");
    return refuse(response, 502, (error as Error).message);
  }
  const { statusCode: status = 502, headers: { location } } = answer;
  captured.answered(method, target.href, status, location === undefined ? undefined : (URL.parse(location, target.href)?.href ?? location));
  const outcome = await passBack(answer, response);
  const reason = incompleteReason(request, answer, outcome);
  if (reason !== undefined) captured.incomplete(method, target.href, reason);
  else if (status >= 200 && status < 300 && outcome !== undefined) captured.fetched(target.href, outcome);
}

function send({ request, response, url }: Asked, { agent, host }: { readonly agent: Agent; readonly host: string | undefined }): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { request: ask } = url.protocol === "https:" ? nodeHttps() : nodeHttp();
  // An answer that was packed for the way would have another digest, and the server may pack it otherwise the next time.
  const headers = withoutNames(request.rawHeaders, new Set([...hopHeaders(request), "accept-encoding", "host"]));
  const chunks = request.headers["transfer-encoding"] === undefined ? [] : ["Transfer-Encoding", "chunked"];
  const outgoing = ask(url, { method: request.method ?? "GET", agent, headers: gathered(["Host", host ?? url.host, ...headers, ...chunks]) });
  outgoing.once("response", resolve).on("error", reject);
  // What the client breaks off is broken off at the server.
  response.once("close", () => void outgoing.destroy());
  pipeline(request, outgoing).catch(reject);
  return promise;
}

/** The digest of the body, once the client has all of it; undefined where it did not come whole. */
async function passBack(answer: IncomingMessage, response: ServerResponse): Promise<Digest | undefined> {
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", withoutNames(answer.rawHeaders, hopHeaders(answer)));
    await pipeline(answer, hashing, response);
    return parseDigest(`sha256:${hash.digest("hex")}`);
  } catch {
    // Told by there being no digest: the client, or the server, has gone in the middle.
    response.destroy();
    return undefined;
  }
}

/** By BuildKit's rules. */
function incompleteReason(request: IncomingMessage, answer: IncomingMessage, digest: Digest | undefined): IncompleteReason | undefined {
  const { statusCode: status = 502 } = answer;
  if (request.method !== "GET") return "method_not_materializable";
  if (request.headers.range !== undefined || status === 206) return "partial_response";
  if (digest === undefined) return "body_read_failed";
  return status >= 400 ? "unsuccessful_response" : undefined;
}

function hopHeaders({ headers: { connection = "" } }: IncomingMessage): ReadonlySet<string> {
  return new Set([...HOP_HEADERS, ...connection.split(",").map((name) => name.trim().toLowerCase())]);
}

/** `raw` has names and values in turn; so has the result. */
function withoutNames(raw: readonly string[], names: ReadonlySet<string>): string[] {
  return raw.flatMap((name, i) => (i % 2 === 0 && !names.has(name.toLowerCase()) ? [name, raw[i + 1] ?? ""] : []));
}

/** In the form that lets Node add what the way to the server asks for. */
function gathered(raw: readonly string[]): Record<string, string | string[]> {
  const byName = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? "";
    const known = byName.get(name.toLowerCase()) ?? { name, values: [] };
    known.values.push(raw[i + 1] ?? "");
    byName.set(name.toLowerCase(), known);
  }
  return Object.fromEntries([...byName.values()].map(({ name, values: [first = "", ...others] }) => [name, others.length === 0 ? first : [first, ...others]]));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(`${message}\n`);
}
