import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, Agent, type RequestListener } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { digestOf } from "../content/digest.ts";
import { openCapturingProxy, type CapturingProxy, type CapturingProxyOptions } from "./capturing-proxy.ts";
import { makeCertificateAuthority } from "./certificate-authority.ts";

const authority = await makeCertificateAuthority(Date.now());

interface Place {
  readonly proxy: CapturingProxy;
  /** Of the server behind it. */
  readonly origin: string;
  /** Sends a text, ends, and reads to the end. */
  readonly say: (text: string) => Promise<string>;
}

test("a request goes on without what is the connection's own, and its answer comes back whole", async (t) => {
  const { proxy, origin, say } = await place(t, (request, response) => {
    response.writeHead(200, { "x-seen": JSON.stringify(request.rawHeaders.filter((_name, i) => i % 2 === 0).map((name) => name.toLowerCase()).toSorted()), "keep-alive": "timeout=1", connection: "x-private", "x-private": "1" }).end("body");
  });
  const answer = await say(`GET ${origin}/a?b=c HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: Basic x\r\nTE: trailers\r\nConnection: x-mine\r\nX-Mine: 1\r\nAccept-Encoding: gzip\r\nX-Kept: 1\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /x-seen: \["connection","host","x-kept"\]/i);
  assert.doesNotMatch(answer, /x-private/);
  assert.match(answer, /body/);
  const { requests, lines } = await proxy.finish();
  assert.deepEqual(requests, { files: [{ url: `${origin}/a?b=c`, digest: digestOf(Buffer.from("body")) }], incomplete: [] });
  assert.equal(lines, `proxy network requests:\n- GET ${origin}/a?b=c -> 200\n`);
});

test("a body goes on as it is sent, with its length or in chunks", async (t) => {
  const { origin, say } = await place(t, (request, response) => void request.pipe(response.writeHead(200, { "x-length": request.headers["content-length"] ?? "none" })));
  assert.match(await say(`DELETE ${origin}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmore\r\n0\r\n\r\n`), /x-length: none\r\n[^]*more/);
  assert.match(await say(`PUT ${origin}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nwhole`), /x-length: 5\r\n[^]*whole/);
});

test("a part of a file, and a file that did not come whole, are not named by a digest", async (t) => {
  const { proxy, origin, say } = await place(t, (request, response) => {
    if (request.url === "/cut") response.writeHead(200, { "content-length": "10" }).write("half", () => response.destroy());
    else response.writeHead(206).end("part");
  });
  await say(`GET ${origin}/cut HTTP/1.1\r\nHost: x\r\n\r\n`);
  await say(`GET ${origin}/part HTTP/1.1\r\nHost: x\r\nRange: bytes=0-3\r\n\r\n`);
  const { requests } = await proxy.finish();
  assert.deepEqual(requests, { files: [], incomplete: [{ method: "GET", url: `${origin}/cut`, reason: "body_read_failed" }, { method: "GET", url: `${origin}/part`, reason: "partial_response" }] });
});

test("what is not let in is answered 403, and something else may be asked for in its place", async (t) => {
  const asked: string[] = [];
  const { proxy, origin, say } = await place(t, (request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    response.end("mirrored");
  }, { admit: async (_method, url) => {
    if (!url.startsWith("http://files.example/")) throw new Error("nobody allowed it");
    return url.replace("http://files.example", origin);
  } });
  assert.match(await say("GET http://files.example/x HTTP/1.1\r\nHost: files.example\r\n\r\n"), /mirrored/);
  assert.match(await say(`GET ${origin}/secret HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 403 [^]*Forbidden: nobody allowed it/);
  assert.deepEqual(asked, [`${new URL(origin).host}/x`]);
  assert.deepEqual((await proxy.finish()).requests.files.map(({ url }) => url), [`${origin}/x`]);
});

test("what is neither a request for a whole URL nor TLS gets no answer of a server", async (t) => {
  const { proxy, say } = await place(t, (_request, response) => response.end("never"));
  assert.match(await say("GET / HTTP/1.1\r\nHost:\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.equal(await say("SSH-2.0-x\r\n"), "");
  assert.equal(await say("CONNECT git.example:22 HTTP/1.1\r\nHost: git.example:22\r\n\r\nSSH-2.0-x\r\n"), "HTTP/1.1 200 Connection Established\r\n\r\n");
  const { requests, lines } = await proxy.finish();
  assert.deepEqual(requests, { files: [], incomplete: [] });
  assert.match(lines, /^- CONNECT git\.example:22: no TLS came about/m);
});

test("over TLS the server has the name that was asked for, and a request its whole URL", async (t) => {
  const { proxy } = await place(t, (_request, response) => response.end("never"), { admit: async (method, url) => { throw new Error(`not ${method} ${url}`); } });
  const socket = connect(proxy.path);
  socket.write("CONNECT files.example:443 HTTP/1.1\r\nHost: files.example:443\r\n\r\n");
  await once(socket, "data");
  const secured = connectTls({ socket, servername: "files.example", ca: authority.certificate, ALPNProtocols: ["h2", "http/1.1"] });
  await once(secured, "secureConnect");
  assert.equal(secured.alpnProtocol, "http/1.1");
  secured.write("GET /one HTTP/1.1\r\nHost: files.example\r\n\r\n");
  assert.match(await readAll(secured), /^HTTP\/1\.1 403 [^]*Forbidden: not GET https:\/\/files\.example\/one\n/);
});

test("disposing leaves nothing, and breaks off what still goes on", async (t) => {
  const { promise: began, resolve } = Promise.withResolvers<void>();
  const { proxy, origin, say } = await place(t, () => resolve());
  const hanging = say(`GET ${origin}/ HTTP/1.1\r\nHost: x\r\n\r\n`);
  await began;
  await proxy[Symbol.asyncDispose]();
  assert.equal(await hanging, "");
  assert.deepEqual(await readdir(join(proxy.path, "..")), []);
});

async function place(t: TestContext, answer: RequestListener, options: Partial<CapturingProxyOptions> = {}): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "stemma-proxy-"));
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const agent = new Agent({ keepAlive: true });
  const proxy = await openCapturingProxy({ authority, directory, admit: undefined, agentFor: async () => agent, ...options });
  t.after(async () => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
    await proxy[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });
  return {
    proxy, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async say(text) {
      const socket = connect({ path: proxy.path, allowHalfOpen: true });
      socket.end(text);
      return await readAll(socket);
    },
  };
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => void (text += chunk.toString("latin1"))).on("error", () => undefined);
  await once(socket, "close");
  return text;
}
