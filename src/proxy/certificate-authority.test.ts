import assert from "node:assert/strict";
import { once } from "node:events";
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { checkServerIdentity, connect, createServer } from "node:tls";
import { makeCertificateAuthority } from "./certificate-authority.ts";

const authority = await makeCertificateAuthority(Date.now());

test("who trusts the authority trusts a server of any name or address, and of no other", async () => {
  for (const host of ["registry.example", "192.0.2.7", "2001:db8::7", "::1", "::ffff:192.0.2.7", `${"long.".repeat(20)}example`]) {
    assert.equal(await shake(host, { asked: host, ca: authority.certificate }), undefined, host);
  }
  assert.equal(await shake("registry.example", { asked: "other.example", ca: authority.certificate }), "ERR_TLS_CERT_ALTNAME_INVALID");
  assert.equal(await shake("192.0.2.7", { asked: "192.0.2.8", ca: authority.certificate }), "ERR_TLS_CERT_ALTNAME_INVALID");
});

test("each build has an authority of its own, and trusts no other's", async () => {
  const other = await makeCertificateAuthority(Date.now());
  assert.notEqual(other.fingerprint, authority.fingerprint);
  assert.match((await shake("registry.example", { asked: "registry.example", ca: other.certificate })) ?? "", /CERT|SIGNATURE/);
});

test("the authority signs for a week, and for servers only", () => {
  const certificate = new X509Certificate(authority.certificate);
  assert.equal(certificate.ca, true);
  assert.equal(certificate.subject, "CN=Stemma build proxy");
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(certificate.fingerprint256.replaceAll(":", "").toLowerCase(), authority.fingerprint);
  const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000;
  assert.ok(days > 7 && days < 7.1, String(days));
});

/** The code of what the client finds wrong with a server of `host`. */
async function shake(host: string, { asked, ca }: { readonly asked: string; readonly ca: string }): Promise<string | undefined> {
  const secureContext = await authority.contextFor(host);
  const server = createServer({ SNICallback: (_name, answer) => answer(null, secureContext) }).listen(0, "127.0.0.1");
  await once(server, "listening");
  // The machine's own address stands for all others.
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: "127.0.0.1", port, servername: "any.example", ca, checkServerIdentity: (_name, certificate) => checkServerIdentity(asked, certificate) });
  try {
    await once(client, "secureConnect");
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    client.destroy();
    server.close();
  }
}
