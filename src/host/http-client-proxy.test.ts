import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeCertificates, opensslSkip } from "../testing/certificates.ts";
import { hasCode, textOf } from "../testing/http-expectations.ts";
import { serve, serveProxy } from "../testing/http-fixture.ts";
import { openHttpClient } from "./http-client.ts";

/** Far above what any of these needs. */
const limit = (): AbortSignal => AbortSignal.timeout(20_000);

describe("an HTTP client behind a proxy", () => {
  test("sends plain requests to the proxy, with its credentials", async () => {
    await using fixture = await serve((request, response) => response.end(`${request.headers.host} ${request.url} ${String(request.headers["proxy-authorization"])}`));
    await using proxy = await serveProxy();
    await using client = openHttpClient({ HTTP_PROXY: proxy.url.replace("//", "//me:p%40ss@") });

    const { port } = new URL(fixture.origin);
    const response = await client.send({ method: "GET", url: new URL(`http://registry.example:${port}/v2/`) }, limit());
    assert.equal(await textOf(response), `registry.example:${port} /v2/ undefined`);
    assert.equal(response.proxy, `${proxy.url}/`);
    assert.deepEqual(proxy.seen, [{ line: `GET http://registry.example:${port}/v2/`, authorization: `Basic ${Buffer.from("me:p@ss").toString("base64")}` }]);
  });

  test("tunnels to servers with TLS, and checks their certificates", { skip: opensslSkip }, async () => {
    await using certificates = await makeCertificates();
    await using fixture = await serve((_request, response) => response.end("through"), certificates.server);
    await using proxy = await serveProxy();
    await using client = openHttpClient({ HTTPS_PROXY: proxy.url, SSL_CERT_FILE: certificates.caPath });

    const { port } = new URL(fixture.origin);
    const error = await client.send({ method: "GET", url: new URL(`https://other.example:${port}/`) }, limit()).then(() => undefined, (failure: unknown) => failure);
    hasCode("untrusted", "other.example", "through the proxy")(error);
    assert.deepEqual(proxy.seen.map(({ line }) => line), [`CONNECT other.example:${port}`]);
    // This machine is never proxied.
    assert.equal(await textOf(await client.send({ method: "GET", url: new URL(fixture.origin) }, limit())), "through");
    assert.equal(proxy.seen.length, 1);
  });

  test("names the proxy that cannot be reached", async () => {
    await using client = openHttpClient({ ALL_PROXY: "http://me:hidden@127.0.0.1:1" });

    for (const url of ["http://x.example/", "https://x.example/"]) {
      await assert.rejects(client.send({ method: "GET", url: new URL(url) }, limit()), (error: Error) => {
        assert.ok(!error.message.includes("hidden"), error.message);
        return hasCode("unreachable", "through the proxy http://127.0.0.1:1")(error);
      });
    }
  });

  test("refuses a kind of proxy that it cannot use", async () => {
    await using client = openHttpClient({ ALL_PROXY: "socks5://127.0.0.1:1" });

    await assert.rejects(client.send({ method: "GET", url: new URL("http://x.example/") }, limit()), hasCode("unreachable", "socks5"));
  });
});
