import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { HttpError } from "./http-error.ts";
import { nodeHttp, nodeHttps } from "./network-modules.ts";

/** Bytes to send. May be opened again: for a redirect, a stale connection, or a second try with credentials. */
export interface HttpBody {
  /** Sent as Content-Length; undefined sends chunks. */
  readonly sizeBytes: number | undefined;
  /** Chunks may be lent: each has left the process before the next is asked for. */
  open(): AsyncIterable<Uint8Array>;
}

/** How long to wait for the other end. Our own slowness, in giving or taking bytes, never counts. */
export interface HttpPatience {
  readonly connectMs: number;
  /** From the last byte sent to the first one received. Registries digest large uploads in this time. */
  readonly answerMs: number;
  /** Between two pieces of a body. */
  readonly idleMs: number;
}

export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: HttpBody | undefined;
  readonly agent: Agent;
  readonly patience: HttpPatience;
}

export interface WireResponse {
  readonly message: IncomingMessage;
  readonly body: AsyncIterable<Uint8Array>;
}

/** One request and its answer, on one connection. Rejects with `signal.reason` once aborted, else with Node's error. */
export async function exchange(request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
  signal.throwIfAborted();
  const outgoing = start(request, signal);
  const { promise: incoming, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once("response", resolve).on("error", reject);
  // Awaited below; the handler only keeps an early failure from counting as unhandled meanwhile.
  incoming.catch(() => undefined);
  const { connectMs, answerMs } = request.patience;
  const stopConnectTimer = limitConnect(outgoing, connectMs);
  try {
    if (request.body === undefined) outgoing.end();
    else await send(outgoing, request.body, incoming, answerMs);
    const message = await within(incoming, answerMs, outgoing);
    return { message, body: readBody(message, outgoing, request.patience.idleMs, signal) };
  } catch (error) {
    outgoing.destroy();
    signal.throwIfAborted();
    // The connection is reused, which shows whether the failure may only mean that it had been closed long ago.
    throw outgoing.reusedSocket && isReset(error) ? new StaleConnectionError({ cause: error }) : error;
  } finally {
    stopConnectTimer();
  }
}

/** A kept connection that the other end had closed: nothing of the request was seen. */
export class StaleConnectionError extends Error {
  override readonly name = "StaleConnectionError";
  constructor(options: ErrorOptions) {
    super("connection closed by the server", options);
  }
}

function start({ method, url, headers, body, agent }: WireRequest, signal: AbortSignal): ClientRequest {
  const length = body?.sizeBytes === undefined ? {} : { "content-length": String(body.sizeBytes) };
  const { request } = url.protocol === "https:" ? nodeHttps() : nodeHttp();
  return request(url, { method, headers: { ...headers, ...length }, agent, signal });
}

/** Sends until done, or until the other end has answered without waiting for the rest. */
async function send(outgoing: ClientRequest, body: HttpBody, incoming: Promise<IncomingMessage>, answerMs: number): Promise<void> {
  let settled = false;
  const settle = (): void => void (settled = true);
  incoming.then(settle, settle);
  for await (const chunk of body.open()) {
    if (settled) return;
    // What keeps it from leaving, `incoming` rejects with.
    const left = new Promise<void>((resolve) => void outgoing.write(chunk, () => resolve()));
    await within(Promise.race([left, incoming]), answerMs, outgoing);
  }
  outgoing.end();
}

async function* readBody(message: IncomingMessage, outgoing: ClientRequest, idleMs: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let isWaiting = true;
  const timer = setTimeout(() => {
    if (isWaiting) message.destroy(new HttpError("timeout", `no byte for ${idleMs / 1000} s`));
  }, idleMs);
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      isWaiting = false;
      yield chunk;
      isWaiting = true;
      timer.refresh();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    // An answer that came before all was sent leaves the connection in the middle of a request.
    if (!outgoing.writableEnded) outgoing.destroy();
  }
}

async function within<T>(promise: Promise<T>, limitMs: number, outgoing: ClientRequest): Promise<T> {
  const timer = setTimeout(() => outgoing.destroy(new HttpError("timeout", `no answer for ${limitMs / 1000} s`)), limitMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function limitConnect(outgoing: ClientRequest, limitMs: number): () => void {
  const timer = setTimeout(() => outgoing.destroy(new HttpError("unreachable", `no connection within ${limitMs / 1000} s`)), limitMs);
  const stop = (): void => clearTimeout(timer);
  outgoing.once("socket", (socket) => (socket.connecting ? socket.once("connect", stop) : stop()));
  return stop;
}

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
