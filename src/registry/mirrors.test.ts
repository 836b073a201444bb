import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectBytes } from "../content/bytes.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { startFakeRegistry, type FakeRegistry } from "../testing/fake-registry.ts";
import { refuses, settingsFor, testClient } from "../testing/registry-fixture.ts";
import { RegistryError } from "./registry-error.ts";
import { retryDelayMs } from "./retry.ts";

const limit = (): AbortSignal => AbortSignal.timeout(20_000);
const name = { path: "a/b" } as const;

function addManifest(registry: FakeRegistry, repository: string, note: string): string {
  return registry.addManifest(repository, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [], annotations: { note } }, "1").digest;
}

describe("mirrors", () => {
  test("are asked first, by their prefix, and told for whom they stand", async () => {
    await using upstream = await startFakeRegistry();
    await using mirror = await startFakeRegistry();
    const atMirror = addManifest(mirror, "hub/a/b", "mirror");
    addManifest(upstream, "a/b", "upstream");
    await using client = testClient({ config: settingsFor({ [upstream.host]: { mirrors: [`${mirror.host}/hub`] } }) });

    const repository = client.repository({ domain: upstream.host, ...name }, "pull");
    assert.equal((await repository.resolve("1", limit()))?.digest, atMirror);
    assert.equal(mirror.requests[0]?.url.search, `?ns=${encodeURIComponent(upstream.host)}`);
    assert.equal(upstream.requests.length, 0);
  });

  test("that have nothing, fail or break off are passed over", async () => {
    await using upstream = await startFakeRegistry();
    await using empty = await startFakeRegistry();
    await using failing = await startFakeRegistry();
    failing.intercept = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    const digest = addManifest(upstream, "a/b", "upstream");
    const blob = upstream.addBlob("a/b", Buffer.alloc(100));
    await using client = testClient({ config: settingsFor({ [upstream.host]: { mirrors: [empty.host, failing.host, "127.0.0.1:1"] } }) });

    const repository = client.repository({ domain: upstream.host, ...name }, "pull");
    assert.equal((await repository.resolve("1", limit()))?.digest, digest);
    empty.intercept = (_request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write(Buffer.alloc(10), () => setTimeout(() => response.destroy(), 10));
      return true;
    };
    assert.deepEqual(await collectBytes(repository.blob(blob, limit()), 100), Buffer.alloc(100));
    assert.deepEqual(upstream.requests.map(({ method }) => method), ["HEAD", "GET"]);
  });

  test("that failed are named where the registry fails too", async () => {
    await using upstream = await startFakeRegistry({ auth: { kind: "basic", username: "x", password: "y" } });
    await using client = testClient({ config: settingsFor({ [upstream.host]: { mirrors: ["127.0.0.1:1"] } }) });

    const resolved = client.repository({ domain: upstream.host, ...name }, "pull").resolve("1", limit());
    await assert.rejects(resolved, refuses("unauthorized", upstream.host, "before that, mirror 127.0.0.1:1", "ECONNREFUSED"));
  });

  test("are never pushed to", async () => {
    await using upstream = await startFakeRegistry();
    await using mirror = await startFakeRegistry();
    await using client = testClient({ config: settingsFor({ [upstream.host]: { mirrors: [mirror.host] } }) });

    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] }));
    await client.repository({ domain: upstream.host, ...name }, "push").putManifest({ tag: "1", mediaType: MEDIA_TYPE.ociIndex, bytes }, limit());
    assert.deepEqual([mirror.requests.length, upstream.tags.size], [0, 1]);
  });
});

describe("a registry that cannot now", () => {
  test("is asked again, and says in the end what it said", async () => {
    await using registry = await startFakeRegistry();
    const digest = addManifest(registry, "a/b", "x");
    let left = 1;
    registry.intercept = (_request, response) => {
      if (left-- <= 0) return false;
      response.writeHead(503, { "content-type": "text/plain" }).end("in\n maintenance");
      return true;
    };
    await using client = testClient();

    const repository = client.repository({ domain: registry.host, ...name }, "pull");
    assert.equal((await repository.resolve("1", limit()))?.digest, digest);
    left = Infinity;
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("no patience")), 100);
    await assert.rejects(repository.resolve("1", stop.signal), { message: "no patience" });
    await assert.rejects(repository.tags(limit()), refuses("unavailable", "status 503: in maintenance"));
  });

  test("for us, as we asked too often, tells when and how to avoid it", async () => {
    await using registry = await startFakeRegistry();
    registry.intercept = (_request, response) => {
      response.writeHead(429, { "content-type": "application/json", "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600", "retry-after": "60", "docker-ratelimit-source": "10.0.0.1" });
      response.end(JSON.stringify({ errors: [{ code: "TOOMANYREQUESTS", message: "slow down" }] }));
      return true;
    };
    await using client = testClient();

    const error = await client.repository({ domain: registry.host, ...name }, "pull").tags(limit()).catch((failure: unknown) => failure);
    refuses("rate-limited", "limit 100;w=21600", "remaining 0;w=21600", "retry after 60 s", "10.0.0.1", "slow down", "stemma login", "mirrors", "/settings/stemma.toml")(error);
    assert.ok(error instanceof RegistryError && error.retryable);
    assert.equal(error.retryAfterMs, 60_000);
    assert.equal(registry.requests.length, 1, "a minute is longer than we wait unasked");
  });

  test("is waited for a bounded number of times, and a bounded time", () => {
    const error = (code: RegistryError["code"], retryAfterMs?: number): RegistryError => new RegistryError(code, "x", { retryAfterMs });
    assert.deepEqual([1, 2, 3, 4].map((attempt) => retryDelayMs(error("unavailable"), attempt)), [250, 750, 2250, undefined]);
    assert.equal(retryDelayMs(error("rate-limited", 5000), 1), 5000);
    assert.equal(retryDelayMs(error("rate-limited", 60_000), 1), undefined);
    assert.deepEqual([1, 4].map((attempt) => retryDelayMs(error("rate-limited"), attempt)), [250, undefined]);
    for (const code of ["denied", "unauthorized", "not-found", "untrusted", "rejected", "protocol"] as const) assert.equal(retryDelayMs(error(code), 1), undefined);
    assert.equal(retryDelayMs(new Error("a bug"), 1), undefined);
  });
});
