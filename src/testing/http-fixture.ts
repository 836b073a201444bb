import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** A server of this machine that answers as a test says. */
export interface HttpFixture extends AsyncDisposable {
  readonly origin: string;
  readonly server: Server;
}

export interface FixtureTls {
  readonly cert: string;
  readonly key: string;
  /** Where given, clients must show a certificate of this authority. */
  readonly ca?: string;
}

export async function serve(listener: RequestListener, tls?: FixtureTls): Promise<HttpFixture> {
  const asksClient = tls?.ca !== undefined;
  const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls, requestCert: asksClient, rejectUnauthorized: asksClient }, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return {
    origin: `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A forward proxy. All targets are taken for this machine's, whatever their names, so that tests may invent hosts. */
export interface ProxyFixture extends AsyncDisposable {
  readonly url: string;
  /** `GET http://host/path` and `CONNECT host:port`, each with the credentials that it brought. */
  readonly seen: readonly { readonly line: string; readonly authorization: string | undefined }[];
}

/** Given a certificate, it ends the TLS of its clients with that, as companies' proxies do; behind it there is no TLS. `origin` is where tunnels then lead, whatever their port. */
export async function serveProxy(intercept?: FixtureTls, origin?: string): Promise<ProxyFixture> {
  const seen: { line: string; authorization: string | undefined }[] = [];
  const note = (request: IncomingMessage): void =>
    void seen.push({ line: `${request.method} ${request.url}`, authorization: request.headers["proxy-authorization"] });
  const sockets = new Set<Socket>();
  const fixture = await serve((request, response) => {
    note(request);
    const target = new URL(request.url ?? "");
    const socket = connect(Number(target.port || 80), "127.0.0.1", () => {
      const { "proxy-authorization": _secret, "proxy-connection": _hop, ...headers } = request.headers;
      const lines = Object.entries({ ...headers, connection: "close" }).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(`${request.method} ${target.pathname}${target.search} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      request.pipe(socket, { end: false });
      if (response.socket !== null) socket.pipe(response.socket);
    });
    socket.on("error", () => response.destroy());
    sockets.add(socket);
  });
  fixture.server.on("connect", (request: IncomingMessage, client: Socket) => {
    note(request);
    const target = connect(Number((origin ?? request.url)?.split(":").at(-1)), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      const seen = intercept === undefined ? client : new TLSSocket(client, { isServer: true, ...intercept });
      seen.on("error", () => seen.destroy());
      target.pipe(seen).pipe(target);
      sockets.add(seen);
    });
    for (const socket of [client, target]) socket.on("error", () => socket.destroy());
    sockets.add(client).add(target);
  });
  return {
    url: fixture.origin,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await fixture[Symbol.asyncDispose]();
    },
  };
}
