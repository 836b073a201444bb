import { chmod, open, rm } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeHttp, nodeTls } from "../host/network-modules.ts";
import { CapturedRequests, type StepRequests } from "./captured-requests.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { forwardRequest, type Forwarding } from "./forward-request.ts";

export interface CapturingProxyOptions extends Omit<Forwarding, "captured"> {
  readonly authority: CertificateAuthority;
  /** The proxy listens on a socket in here. */
  readonly directory: string;
}

/**
 * An HTTP proxy for one step (RFC 9110 §7.6, CONNECT of §9.3.6). Of what goes over TLS it is the server, with a certificate that only the step
 * trusts. Whatever passes is captured; what is no HTTP does not pass.
 */
export interface CapturingProxy extends AsyncDisposable {
  /** The socket that listens. */
  readonly path: string;
  /** To be asked once the step has ended: waits until its last connection is over. */
  finish(): Promise<{ readonly requests: StepRequests; readonly lines: string }>;
}

const SOCKET_NAME = "proxy";
/** The processes of a step are gone when it has ended, and their connections with them; what takes longer than this is broken off. */
const LAST_CONNECTIONS_MS = 5000;
const POLL_MS = 2;

export async function openCapturingProxy({ authority, directory, ...way }: CapturingProxyOptions): Promise<CapturingProxy> {
  const captured = new CapturedRequests();
  const forwarding: Forwarding = { ...way, captured };
  const connections = new Set<Duplex>();
  const working = new Set<Promise<void>>();
  const serve = (request: IncomingMessage, response: ServerResponse, url: URL | null): void => {
    if (url === null) return void response.writeHead(400, { "content-type": "text/plain", connection: "close" }).end("a proxy is asked for a whole URL\n");
    const work: Promise<void> = forwardRequest({ request, response, url }, forwarding).finally(() => working.delete(work));
    working.add(work);
  };
  const hosts = new WeakMap<Duplex, string>();
  const inner = makeServer((request, response) => serve(request, response, URL.parse(request.url ?? "", `https://${hosts.get(request.socket) ?? ""}`)));
  const outer = makeServer((request, response) => serve(request, response, requestedUrl(request)));
  outer.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  outer.on("connect", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const target = request.url ?? "";
    void authority.contextFor(hostOf(target)).then((secureContext) => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      if (head.length > 0) socket.unshift(head);
      const secured = new (nodeTls().TLSSocket)(socket, { isServer: true, secureContext, ALPNProtocols: ["http/1.1"] });
      hosts.set(secured, target);
      let isSecure = false;
      secured.once("secure", () => void (isSecure = true));
      secured.once("close", () => {
        if (!isSecure) captured.refusedTls(target);
      });
      secured.on("error", () => secured.destroy());
      inner.emit("connection", secured);
    }, () => socket.destroy());
  });
  const path = await listen(outer, directory);
  return {
    path,
    async finish() {
      const until = performance.now() + LAST_CONNECTIONS_MS;
      while (connections.size > 0 && performance.now() < until) await sleep(POLL_MS);
      for (const socket of connections) socket.destroy();
      await Promise.all(working);
      return { requests: captured.summary(), lines: captured.lines() };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => outer.close(resolve));
      await Promise.all(working);
      await rm(path, { force: true });
    },
  };
}

function makeServer(onRequest: (request: IncomingMessage, response: ServerResponse) => void): Server {
  // How long a server takes is the step's affair.
  const server = nodeHttp().createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, onRequest);
  server.on("clientError", (_error, socket) => void socket.destroy());
  // Who has said all that there is to say still wants the answer. Node has it, its types do not.
  return Object.assign(server, { httpAllowHalfOpen: true });
}

async function listen(server: Server, directory: string): Promise<string> {
  // A socket's path is short by law (unix(7)): through the open directory it always is.
  const handle = await open(directory, "r");
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(`/proc/self/fd/${handle.fd}/${SOCKET_NAME}`, resolve);
    });
  } finally {
    await handle.close();
  }
  const path = join(directory, SOCKET_NAME);
  await chmod(path, 0o600);
  return path;
}

/** A client that was told of a proxy says the whole URL; one that was led here otherwise says the path, and the host beside it. */
function requestedUrl({ url = "", headers: { host = "" } }: IncomingMessage): URL | null {
  const parsed = URL.parse(/^https?:\/\//i.test(url) ? url : `http://${host}${url}`);
  return parsed?.host === "" ? null : parsed;
}

function hostOf(authority: string): string {
  return (/^\[(.*)\]/.exec(authority)?.[1] ?? authority.replace(/:\d*$/, "")).toLowerCase();
}
