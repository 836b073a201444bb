import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { collectBytes } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { runProcess } from "../host/process.ts";
import { runnablePlatforms } from "../oci/platform-match.ts";
import { makeCertificates, opensslSkip } from "../testing/certificates.ts";
import { dockerRegistrySkip, DOCKER_REGISTRY_USER, startDockerRegistry } from "../testing/docker-registry.ts";
import { serveProxy } from "../testing/http-fixture.ts";
import { credentialsOf, refuses, sampleImage, settingsFor, testClient } from "../testing/registry-fixture.ts";
import { storeLogin, verifyLogin } from "./login.ts";
import { defaultCredentials } from "./default-credentials.ts";
import { probeRegistry } from "./probe.ts";
import { fetchImage } from "./pull.ts";
import { pushContent, type PushRequest } from "./push.ts";

const limit = (): AbortSignal => AbortSignal.timeout(30_000);
const linux = runnablePlatforms({ os: "linux", architecture: "amd64" });
const quiet = { mountFrom: () => undefined, onProgress: () => undefined } satisfies Partial<PushRequest>;
const SKOPEO = "/usr/bin/skopeo";
const me = { kind: "basic", ...DOCKER_REGISTRY_USER } as const;

describe("the reference registry", { skip: dockerRegistrySkip }, () => {
  test("takes a push, and gives back the same bytes", async () => {
    const layer = randomBytes(3_000_000);
    const image = await sampleImage([layer, Buffer.from("small")], limit());
    await using registry = await startDockerRegistry();
    await using client = testClient();

    const repository = client.repository({ domain: registry.host, path: "a/b" }, "push");
    await pushContent({ ...quiet, repository, ...image, tags: ["1", "2"] }, limit());
    const { root, value } = await fetchImage(repository, "2", linux, limit());
    assert.equal(root.descriptor.digest, image.root.digest);
    assert.deepEqual(value.layers, image.layers);
    assert.equal(digestOf(await collectBytes(repository.blob({ digest: digestOf(layer), size: layer.length }, limit()), layer.length)), digestOf(layer));
    assert.deepEqual([...(await repository.tags(limit()))].toSorted(), ["1", "2"]);

    const sister = client.repository({ domain: registry.host, path: "c" }, "push");
    assert.equal(await sister.mountBlob(digestOf(layer), "a/b", limit()), true);
    assert.equal(await sister.hasBlob(digestOf(layer), limit()), true);
    assert.equal(await sister.mountBlob(digestOf(layer), "nothing", limit()), false);
  });

  test("shows another client what we pushed", { skip: existsSync(SKOPEO) ? false : "skopeo is not installed" }, async () => {
    const image = await sampleImage([Buffer.from("layer")], limit());
    await using registry = await startDockerRegistry();
    await using client = testClient();

    await pushContent({ ...quiet, repository: client.repository({ domain: registry.host, path: "a" }, "push"), ...image, tags: ["1"] }, limit());
    const { stdout, stderr } = await runProcess({ argv: [SKOPEO, "inspect", "--raw", "--tls-verify=false", `docker://${registry.host}/a:1`], env: { PATH: process.env["PATH"], HOME: "/nonexistent" } }, limit());
    assert.equal(digestOf(stdout), image.root.digest, stderr.toString());
  });

  test("lets in whom it knows, and a login is found again", async () => {
    const home = await mkdtemp(join(tmpdir(), "stemma-home-"));
    try {
      await using registry = await startDockerRegistry({ auth: "basic" });
      const request = { host: registry.host, credential: me, config: settingsFor({}), env: { HOME: home } } as const;
      await assert.rejects(verifyLogin({ ...request, credential: { ...me, password: "wrong" } }, limit()), refuses("unauthorized", registry.host, 'user "stemma"'));
      await verifyLogin(request, limit());
      await storeLogin(request, limit());
      await using client = testClient({ credentials: defaultCredentials({ HOME: home }) });

      const probe = await probeRegistry(client, { domain: registry.host, path: "a" }, limit());
      assert.deepEqual([probe.push.kind, probe.referrers.kind, probe.hasCredentials], ["taken", "fallback-tag", true]);
      assert.equal(probe.identity, `user "stemma" (from ${join(home, ".docker/config.json")})`);
      await using nobodys = testClient();

      const refused = await probeRegistry(nobodys, { domain: registry.host, path: "a" }, limit());
      assert.ok(refused.push.kind === "refused" && refused.push.code === "unauthorized");
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  test("mirrors another one", async () => {
    const image = await sampleImage([Buffer.from("layer")], limit());
    await using upstream = await startDockerRegistry();
    await using mirror = await startDockerRegistry({ proxies: `http://${upstream.host}` });
    await using client = testClient({ config: settingsFor({ [upstream.host]: { mirrors: [mirror.host] } }) });

    await pushContent({ ...quiet, repository: client.repository({ domain: upstream.host, path: "a" }, "push"), ...image, tags: ["1"] }, limit());
    const fetched = await fetchImage(client.repository({ domain: upstream.host, path: "a" }, "pull"), "1", linux, limit());
    assert.equal(fetched.root.descriptor.digest, image.root.digest);
    await using direct = testClient();

    assert.equal(await direct.repository({ domain: mirror.host, path: "a" }, "pull").hasBlob(image.config.digest, limit()), true);
  });
});

describe("the reference registry with TLS", { skip: dockerRegistrySkip || opensslSkip }, () => {
  test("is trusted by its authority, or not at all, or without question", async () => {
    await using certificates = await makeCertificates();
    await using registry = await startDockerRegistry({ tls: certificates.serverPaths });
    const resolve = async (settings: Parameters<typeof settingsFor>[0]): Promise<unknown> => {
      await using client = testClient({ config: settingsFor(settings) });

      return await client.repository({ domain: registry.host, path: "a" }, "pull").resolve("1", limit());
    };
    const tls = { ca: [], keypairs: [], insecure: false };
    assert.equal(await resolve({ [registry.host]: { http: false, tls: { ...tls, ca: [certificates.ca] } } }), undefined);
    assert.equal(await resolve({ [registry.host]: { http: false, tls: { ...tls, insecure: true } } }), undefined);
    await assert.rejects(resolve({ [registry.host]: { http: false } }), refuses("untrusted", `ca = ["/path/ca.pem"] under [registry."${registry.host}"] in /settings/stemma.toml`));
    // Plain HTTP is the rule for this machine; the server's complaint about it is an answer.
    await assert.rejects(resolve({}), refuses("rejected", "status 400"));
  });

  test("is found to speak none where either will do", async () => {
    await using registry = await startDockerRegistry();
    await using client = testClient({ config: settingsFor({ [registry.host]: { http: true, tls: { ca: [], keypairs: [], insecure: true } } }) });

    assert.equal(await client.repository({ domain: registry.host, path: "a" }, "pull").resolve("1", limit()), undefined);
    await using strict = testClient({ config: settingsFor({ [registry.host]: { http: false } }) });

    await assert.rejects(strict.repository({ domain: registry.host, path: "a" }, "pull").resolve("1", limit()), refuses("untrusted", "http = true"));
  });

  test("is reached through a proxy by a name that only the proxy knows", async () => {
    const image = await sampleImage([randomBytes(300_000)], limit());
    await using registry = await startDockerRegistry({ auth: "basic" });
    await using proxy = await serveProxy();
    const domain = registry.host.replace("127.0.0.1", "registry.example");
    await using client = testClient({ env: { HTTP_PROXY: proxy.url }, credentials: credentialsOf(me, domain), config: settingsFor({ [domain]: { http: true } }) });

    const repository = client.repository({ domain, path: "a" }, "push");
    await pushContent({ ...quiet, repository, ...image, tags: ["1"] }, limit());
    assert.equal((await repository.resolve("1", limit()))?.digest, image.root.digest);
    assert.ok(proxy.seen.length > 5);
  });
});
