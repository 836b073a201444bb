import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeCertificates, opensslSkip } from "../testing/certificates.ts";
import { hasCode, textOf } from "../testing/http-expectations.ts";
import { serve } from "../testing/http-fixture.ts";
import { openHttpClient } from "./http-client.ts";
import { HttpError } from "./http-error.ts";

/** Far above what any of these needs. */
const limit = (): AbortSignal => AbortSignal.timeout(20_000);

describe("an HTTP client with TLS", { skip: opensslSkip }, () => {
  test("trusts what the machine, the environment or the settings name, and nothing else", async () => {
    await using certificates = await makeCertificates();
    await using fixture = await serve((_request, response) => response.end("ok"), certificates.server);
    const url = new URL(fixture.origin);
    const plain = { ca: [], keypairs: [], insecure: false };

    for (const [env, tls] of [
      [{ SSL_CERT_FILE: certificates.caPath }, plain],
      [{ NODE_EXTRA_CA_CERTS: certificates.caPath }, plain],
      [{ SSL_CERT_DIR: certificates.directory }, plain],
      [{}, { ...plain, ca: [certificates.ca] }],
      [{}, { ...plain, insecure: true }],
    ] as const) {
      await using client = openHttpClient(env);

      assert.equal(await textOf(await client.send({ method: "GET", url, tls }, limit())), "ok");
    }
    await using client = openHttpClient({});

    await assert.rejects(client.send({ method: "GET", url }, limit()), hasCode("untrusted", fixture.origin));
  });

  test("shows its key pair to the server that it is for, and not where that one sends it", async () => {
    await using certificates = await makeCertificates();
    const { ca, client: pair } = certificates;
    await using other = await serve((_request, response) => response.end("never"), { ...certificates.server, ca });
    await using fixture = await serve((request, response) => {
      if (request.url === "/") response.end("known");
      else response.writeHead(302, { location: other.origin }).end();
    }, { ...certificates.server, ca });
    await using client = openHttpClient({});

    const tls = { ca: [ca], keypairs: [pair], insecure: false };
    assert.equal(await textOf(await client.send({ method: "GET", url: new URL(fixture.origin), tls }, limit())), "known");
    await assert.rejects(client.send({ method: "GET", url: new URL("/moved", fixture.origin), tls }, limit()), HttpError);
    await assert.rejects(client.send({ method: "GET", url: new URL(fixture.origin), tls: { ...tls, keypairs: [] } }, limit()), HttpError);
  });

  test("does not follow from an encrypted to an open connection", async () => {
    await using certificates = await makeCertificates();
    await using open = await serve((_request, response) => response.end("open"));
    await using fixture = await serve((_request, response) => response.writeHead(302, { location: open.origin }).end(), certificates.server);
    await using client = openHttpClient({ SSL_CERT_FILE: certificates.caPath });

    await assert.rejects(client.send({ method: "GET", url: new URL(fixture.origin) }, limit()), hasCode("redirect", "not encrypted"));
  });

  test("tells a server that speaks no TLS from one that is not to be trusted", async () => {
    await using fixture = await serve((_request, response) => response.end());
    await using client = openHttpClient({});

    await assert.rejects(client.send({ method: "GET", url: new URL(fixture.origin.replace("http:", "https:")) }, limit()), hasCode("not-tls"));
  });
});
