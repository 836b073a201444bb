import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** What goes wrong with a request on its way, in either direction. */
export type Fault =
  /** The connection ends without a word. */
  | { readonly kind: "reset" }
  /** The registry has done what it was asked; its answer is lost. */
  | { readonly kind: "lost-answer" }
  /** The connection ends within the body that is sent to the registry. */
  | { readonly kind: "reset-request"; readonly afterBytes: number }
  /** The connection ends within the answer's body. */
  | { readonly kind: "reset-answer"; readonly afterBytes: number }
  /** The answer's body ends early, without a length that would tell. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** All of the answer's body comes, and the connection breaks before its end has been told. */
  | { readonly kind: "unended" }
  /** The answer's body stops, and the connection stays. */
  | { readonly kind: "stall"; readonly afterBytes: number }
  /** The answer's body comes in pieces, with a pause before each: slow, and not silent. */
  | { readonly kind: "slow"; readonly pauseMs: number }
  /** Nothing answers, and the connection stays. */
  | { readonly kind: "silent" }
  /** The answer's body holds other bytes than it should. */
  | { readonly kind: "corrupt" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Sent elsewhere, as registries with a content network do. */
  | { readonly kind: "redirect"; readonly origin: string }
  /** A server that knows no ranges sends all of it again. */
  | { readonly kind: "no-ranges" };

export interface ForwardedRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Of the body that is sent to the registry; undefined where that is not said before. */
  readonly length: number | undefined;
  /** Of that body, so far. */
  receivedBytes: number;
  /** Of the answer's body. */
  sentBytes: number;
}

/** A reverse proxy before a real registry, with whatever may happen on the way. */
export interface FaultyRegistry extends AsyncDisposable {
  readonly host: string;
  readonly requests: readonly ForwardedRequest[];
  /** Asked for each request; undefined lets it through. */
  fault: (request: ForwardedRequest) => Fault | undefined;
  /** From now on each token is good for so many requests; undefined asks for none. */
  requestsOfToken: number | undefined;
}

export const TOKEN_USER = { username: "me", password: "secret" } as const;

/** Passes what it is sent to `host:port`; users and passwords that it wants are its own. */
export async function startFaultyRegistry(upstream: string): Promise<FaultyRegistry> {
  const requests: ForwardedRequest[] = [];
  const tokens = new Map<string, number>();
  const server = createServer((request, response) => {
    const { method = "", url = "", headers: { range, authorization, "content-length": length } } = request;
    const seen: ForwardedRequest = { method, path: url, range, authorization, length: length === undefined ? undefined : Number(length), receivedBytes: 0, sentBytes: 0 };
    requests.push(seen);
    response.on("error", () => undefined);
    if (url.startsWith("/token")) giveToken(request, response, tokens, registry.requestsOfToken ?? 0);
    else if (registry.requestsOfToken !== undefined && !takesToken(tokens, authorization)) refuse(response, registry.host);
    else forward({ request, response, seen, upstream }, registry.fault(seen));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  const registry: FaultyRegistry = {
    host: `127.0.0.1:${address.port}`,
    requests,
    fault: () => undefined,
    requestsOfToken: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return registry;
}

function takesToken(tokens: Map<string, number>, authorization = ""): boolean {
  const left = tokens.get(authorization.replace("Bearer ", "")) ?? 0;
  tokens.set(authorization.replace("Bearer ", ""), left - 1);
  return left > 0;
}

/** As the reference registry does it: the rest of what is being sent is not waited for. */
function refuse(response: ServerResponse, host: string): void {
  response.writeHead(401, { "www-authenticate": `Bearer realm="http://${host}/token",service="faulty"`, connection: "close" }).end();
}

function giveToken(request: IncomingMessage, response: ServerResponse, tokens: Map<string, number>, uses: number): void {
  const expected = `Basic ${Buffer.from(`${TOKEN_USER.username}:${TOKEN_USER.password}`).toString("base64")}`;
  if (request.headers.authorization !== expected) return void response.writeHead(401).end();
  const token = `token-${tokens.size}`;
  tokens.set(token, uses);
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, expires_in: 300 }));
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly seen: ForwardedRequest;
  readonly upstream: string;
}

function forward(exchange: Exchange, fault: Fault | undefined): void {
  const { request, response, seen, upstream } = exchange;
  if (fault?.kind === "reset") return void request.socket.resetAndDestroy();
  if (fault?.kind === "silent") return;
  if (fault?.kind === "status") return void response.writeHead(fault.status, { "content-type": "text/plain", ...fault.headers }).end(fault.body);
  if (fault?.kind === "redirect") return void response.writeHead(307, { location: `${fault.origin}${seen.path}` }).end();
  if (fault?.kind === "reset-request") return resetWithin(request, fault.afterBytes);
  const { range: _range, ...whole } = request.headers;
  const [hostname, port] = upstream.split(":");
  const headers = { ...(fault?.kind === "no-ranges" ? whole : request.headers), authorization: undefined };
  const outgoing = httpRequest({ hostname, port, method: seen.method, path: seen.path, headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) });
  outgoing.on("error", () => request.socket.destroy());
  outgoing.on("response", (answer) => {
    if (fault?.kind === "lost-answer") answer.resume().on("end", () => request.socket.resetAndDestroy());
    else void answerWith(answer, exchange, fault).catch(() => response.destroy());
  });
  request.on("data", (chunk: Buffer) => (seen.receivedBytes += chunk.byteLength)).pipe(outgoing);
}

function resetWithin(request: IncomingMessage, afterBytes: number): void {
  let seenBytes = 0;
  request.on("data", (chunk: Buffer) => {
    seenBytes += chunk.byteLength;
    if (seenBytes >= afterBytes) request.socket.resetAndDestroy();
  });
}

async function answerWith(answer: IncomingMessage, { request, response, seen }: Exchange, fault: Fault | undefined): Promise<void> {
  const { "content-length": length, ...lengthless } = answer.headers;
  const headers = fault?.kind === "cut" || fault?.kind === "unended" || length === undefined ? lengthless : answer.headers;
  response.writeHead(answer.statusCode ?? 502, headers);
  const endBytes = fault !== undefined && "afterBytes" in fault ? fault.afterBytes : Infinity;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, endBytes - seen.sentBytes);
    if (fault?.kind === "corrupt") part[0] = (part[0] ?? 0) ^ 1;
    if (fault?.kind === "slow") await delay(fault.pauseMs);
    seen.sentBytes += part.byteLength;
    // What was written has to be on its way before the connection ends.
    await new Promise<void>((resolve) => void response.write(part, () => resolve()));
    if (seen.sentBytes < endBytes) continue;
    if (fault?.kind === "reset-answer") return void request.socket.destroy();
    if (fault?.kind === "stall") return;
    break;
  }
  if (fault?.kind === "unended") request.socket.destroy();
  else response.end();
}
