import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { CorruptBlobError } from "../content/blob-store.ts";
import { collectBytes } from "../content/bytes.ts";
import { digestOf, parseDigest } from "../content/digest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { startFakeRegistry, type FakeRegistry } from "../testing/fake-registry.ts";
import { credentialsOf, refuses, testClient } from "../testing/registry-fixture.ts";
import { MANIFEST_SIZE_BYTES_MAX } from "./manifest-calls.ts";
import type { RegistryClient } from "./registry-client.ts";
import type { BlobUpload, Repository } from "./repository.ts";
import type { Access } from "./scope.ts";

const limit = (): AbortSignal => AbortSignal.timeout(20_000);
const MiB = 1024 * 1024;

function open(client: RegistryClient, registry: FakeRegistry, access: Access = "pull"): Repository {
  return client.repository({ domain: registry.host, path: "a/b" }, access);
}

function uploadOf(bytes: Uint8Array, mountFrom?: string): BlobUpload {
  return {
    descriptor: { digest: digestOf(bytes), size: bytes.byteLength },
    mountFrom,
    async *open() {
      for (let at = 0; at < bytes.byteLength; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024);
    },
  };
}

describe("manifests of a repository", () => {
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config: {}, layers: [] };

  test("are resolved by tag and digest, and are undefined where there are none", async () => {
    await using registry = await startFakeRegistry();
    const stored = registry.addManifest("a/b", manifest, "1");
    await using client = testClient();

    const repository = open(client, registry);
    assert.deepEqual(await repository.resolve("1", limit()), stored);
    assert.deepEqual(await repository.resolve(stored.digest, limit()), stored);
    assert.equal(await repository.resolve("2", limit()), undefined);
    assert.deepEqual(registry.requests.map(({ method }) => method), ["HEAD", "HEAD", "HEAD"]);
    assert.deepEqual(JSON.parse(Buffer.from((await repository.manifest(stored.digest, limit())).bytes).toString()), manifest);
    await assert.rejects(repository.manifest(digestOf(Buffer.from("none")), limit()), refuses("not-found"));
  });

  test("are resolved where the headers say too little", async () => {
    await using registry = await startFakeRegistry();
    const stored = registry.addManifest("a/b", manifest, "1");
    await using client = testClient();

    for (const broken of [{ status: 405 }, { status: 200, type: "application/json" }]) {
      registry.intercept = (request, response) => {
        if (request.method !== "HEAD") return false;
        response.writeHead(broken.status, { "content-type": broken.type ?? "text/plain" }).end();
        return true;
      };
      assert.deepEqual(await open(client, registry).resolve("1", limit()), stored);
    }
  });

  test("that are not what was asked for, or too large, are refused", async () => {
    await using registry = await startFakeRegistry();
    const { digest } = registry.addManifest("a/b", manifest, "1");
    await using client = testClient();

    const answer = (bytes: Buffer): void => {
      registry.intercept = (_request, response) => {
        response.writeHead(200, { "content-type": MEDIA_TYPE.ociManifest }).end(bytes);
        return true;
      };
    };
    answer(Buffer.from('{"other":1}'));
    await assert.rejects(open(client, registry).manifest(digest, limit()), refuses("protocol", "other bytes", digest));
    answer(Buffer.alloc(MANIFEST_SIZE_BYTES_MAX + 1, " "));
    await assert.rejects(open(client, registry).manifest(digest, limit()), refuses("protocol", "more than"));
  });

  test("whose header names no digest are refused with what it names", async () => {
    await using registry = await startFakeRegistry();
    registry.intercept = (_request, response) => {
      response.writeHead(200, { "content-type": MEDIA_TYPE.ociManifest, "content-length": 2, "docker-content-digest": "nonsense" }).end();
      return true;
    };
    await using client = testClient();

    await assert.rejects(open(client, registry).resolve("1", limit()), refuses("protocol", '"nonsense" in header not a valid digest: invalid checksum digest format'));
  });

  test("are listed by tag over all pages", async () => {
    await using registry = await startFakeRegistry();
    for (const tag of ["1", "2", "3", "4", "5"]) registry.addManifest("a/b", manifest, tag);
    await using client = testClient();

    assert.deepEqual(await open(client, registry).tags(limit()), ["1", "2", "3", "4", "5"]);
    assert.deepEqual(await client.repository({ domain: registry.host, path: "none" }, "pull").tags(limit()), []);
  });
});

describe("blobs of a repository", () => {
  test("are read and checked, resumed where the connection breaks", async () => {
    const bytes = randomBytes(3 * MiB);
    await using registry = await startFakeRegistry();
    const blob = registry.addBlob("a/b", bytes);
    await using client = testClient();

    for (const knowsRanges of [true, false]) {
      let left = 2;
      registry.intercept = (request, response) => {
        if (left-- <= 0) {
          if (!knowsRanges) delete request.headers.range;
          return false;
        }
        const start = knowsRanges ? Number(/\d+/.exec(request.headers.range ?? "0")?.[0]) : 0;
        const range = start === 0 ? {} : { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
        response.writeHead(start === 0 ? 200 : 206, { "content-length": bytes.length - start, ...range });
        response.write(bytes.subarray(start, start + MiB), () => setTimeout(() => response.destroy(), 20));
        return true;
      };
      assert.equal(digestOf(await collectBytes(open(client, registry).blob(blob, limit()), bytes.length)), blob.digest);
    }
    const ranges = registry.requests.map(({ range }) => range);
    assert.equal(ranges.length, 6);
    assert.equal(ranges[0], undefined);
    assert.match(ranges[1] ?? "", /^bytes=\d+-$/);
  });

  test("that break off again and again fail in the end, as the registry's failure", async () => {
    await using registry = await startFakeRegistry();
    const blob = registry.addBlob("a/b", Buffer.alloc(100));
    registry.intercept = (_request, response) => {
      response.writeHead(404).end();
      return true;
    };
    await using client = testClient();

    await assert.rejects(collectBytes(open(client, registry).blob(blob, limit()), 100), refuses("not-found", blob.digest));
    registry.intercept = (_request, response) => {
      response.writeHead(206, { "content-range": "bytes 7-99/100" }).end("x");
      return true;
    };
    await assert.rejects(collectBytes(open(client, registry).blob(blob, limit()), 100), refuses("protocol", "bytes 7-99"));
  });
});

describe("blobs that are elsewhere or wrong", () => {
  test("with wrong bytes end in an error, not in wrong bytes", async () => {
    await using registry = await startFakeRegistry();
    const blob = registry.addBlob("a/b", Buffer.alloc(100));
    registry.blobs.set(`a/b@${blob.digest}`, Buffer.alloc(100, 1));
    await using client = testClient();

    await assert.rejects(collectBytes(open(client, registry).blob(blob, limit()), 100), CorruptBlobError);
  });

  test("of fewer bytes than was promised are not asked for again where the registry has said that these are all", async () => {
    await using registry = await startFakeRegistry();
    const blob = registry.addBlob("a/b", Buffer.from("<html>log in</html>"));
    await using client = testClient();

    await assert.rejects(collectBytes(open(client, registry).blob({ ...blob, size: 100 }, limit()), 100), (error: Error) => {
      assert.ok(error instanceof CorruptBlobError, error.stack);
      assert.match(error.message, /sent other bytes \(.*: ended at 19 of 100 bytes\)/);
      return true;
    });
    assert.equal(registry.requests.length, 1);
  });

  test("that the registry lacks are read from where their descriptor says, without showing our token there", async () => {
    await using registry = await startFakeRegistry({ auth: { kind: "basic", username: "me", password: "x" } });
    await using storage = await startFakeRegistry();
    const blob = storage.addBlob("s", Buffer.from("not to be redistributed"));
    const urls = ["nonsense", "ftp://example.com/x", `http://${storage.host}/v2/s/blobs/${digestOf(Buffer.from("none"))}`, `http://${storage.host}/v2/s/blobs/${blob.digest}`];
    await using client = testClient({ credentials: credentialsOf({ kind: "basic", username: "me", password: "x" }) });

    assert.equal((await collectBytes(open(client, registry).blob({ ...blob, urls }, limit()), 100)).toString(), "not to be redistributed");
    assert.deepEqual(storage.requests.map(({ authorization }) => authorization), [undefined, undefined]);
    await assert.rejects(collectBytes(open(client, registry).blob({ ...blob, urls: urls.slice(0, 3) }, limit()), 100), refuses("not-found", "no such blob"));
  });

  test("that stand in their descriptor cost no request", async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();

    const bytes = Buffer.from("{}");
    const read = (data: string): Promise<Buffer> => collectBytes(open(client, registry).blob({ digest: digestOf(bytes), size: 2, data }, limit()), 10);
    assert.deepEqual(await read(bytes.toString("base64")), bytes);
    await assert.rejects(read(Buffer.from("[]").toString("base64")), CorruptBlobError);
    assert.equal(registry.requests.length, 0);
  });

  test("are followed to where the registry keeps them, without showing our token there", async () => {
    await using registry = await startFakeRegistry({ auth: { kind: "basic", username: "me", password: "x" } });
    await using storage = await startFakeRegistry();
    const blob = storage.addBlob("s", Buffer.from("stored"));
    registry.intercept = (request, response, url) => {
      if (!url.pathname.includes("/blobs/") || request.headers.authorization === undefined) return false;
      response.writeHead(307, { location: `http://${storage.host}/v2/s/blobs/${blob.digest}` }).end();
      return true;
    };
    await using client = testClient({ credentials: { places: "", find: async () => ({ credential: { kind: "basic", username: "me", password: "x" }, source: "test" }) } });

    assert.equal((await collectBytes(open(client, registry).blob(blob, limit()), 10)).toString(), "stored");
    assert.deepEqual(storage.requests.map(({ authorization }) => authorization), [undefined]);
  });
});

describe("uploads to a repository", () => {
  test("go to where the registry says, with its query kept", async () => {
    const bytes = randomBytes(2 * MiB);
    await using registry = await startFakeRegistry();
    await using client = testClient();

    const repository = open(client, registry, "push");
    assert.equal(await repository.uploadBlob(uploadOf(bytes), limit()), "uploaded");
    assert.deepEqual(registry.blobs.get(`a/b@${digestOf(bytes)}`), bytes);
    assert.equal(await repository.hasBlob(digestOf(bytes), limit()), true);
    assert.match(registry.requests[1]?.url.search ?? "", /^\?_state=a%2Bb%3D&digest=sha256%3A[0-9a-f]+$/);
  });

  test("cost nothing where another repository has the blob, and use the session that a refused mount leaves", async () => {
    await using registry = await startFakeRegistry();
    const base = registry.addBlob("base", Buffer.from("x"));
    await using client = testClient();

    const repository = open(client, registry, "push");
    assert.equal(await repository.uploadBlob(uploadOf(Buffer.from("x"), "base"), limit()), "mounted");
    assert.ok(registry.blobs.has(`a/b@${base.digest}`));
    assert.equal(await repository.uploadBlob(uploadOf(Buffer.from("y"), "base"), limit()), "uploaded");
    assert.deepEqual(registry.requests.map(({ method }) => method), ["POST", "POST", "PUT"]);
    assert.equal(await repository.mountBlob(digestOf(Buffer.from("z")), "base", limit()), false);
    assert.equal(registry.requests.at(-1)?.method, "DELETE", "a session that is not used is given back");
  });

  test("are sent in pieces where the whole is too large for what stands before the registry", async () => {
    const bytes = randomBytes(20 * MiB);
    await using registry = await startFakeRegistry();
    registry.intercept = (request, response) => {
      if (Number(request.headers["content-length"] ?? 0) <= 9 * MiB) return false;
      response.writeHead(413, { connection: "close" }).end();
      request.resume();
      return true;
    };
    await using client = testClient();

    await open(client, registry, "push").uploadBlob(uploadOf(bytes), limit());
    assert.ok(registry.blobs.has(`a/b@${digestOf(bytes)}`));
    assert.deepEqual(registry.requests.filter(({ method }) => method === "PATCH").map(({ sizeBytes }) => sizeBytes), [8 * MiB, 8 * MiB, 4 * MiB]);
  });

  test("start over where the registry breaks off, and end with what the source threw", async () => {
    await using registry = await startFakeRegistry();
    let left = 2;
    registry.intercept = (request, response) => {
      if (request.method !== "PUT" || left-- <= 0) return false;
      if (left === 1) response.writeHead(503).end("busy");
      else request.socket.resetAndDestroy();
      return true;
    };
    await using client = testClient();

    await open(client, registry, "push").uploadBlob(uploadOf(Buffer.from("x")), limit());
    assert.equal(registry.blobs.size, 1);
    const failure = new Error("disk");
    const broken: BlobUpload = { ...uploadOf(Buffer.from("y")), async *open() { yield* []; throw failure; } };
    await assert.rejects(open(client, registry, "push").uploadBlob(broken, limit()), failure);
  });

  test("that the registry does not take are not repeated", async () => {
    await using registry = await startFakeRegistry();
    await using client = testClient();

    const wrong: BlobUpload = { ...uploadOf(Buffer.from("x")), descriptor: { digest: parseDigest(`sha256:${"0".repeat(64)}`), size: 1 } };
    await assert.rejects(open(client, registry, "push").uploadBlob(wrong, limit()), refuses("rejected", "DIGEST_INVALID"));
    assert.equal(registry.requests.length, 2);
  });
});

describe("uploads to a registry of its own ways", () => {
  test("go on without a mount where the registry fails at it, and take a session whatever status tells of it", async () => {
    await using registry = await startFakeRegistry();
    registry.intercept = (_request, response, url) => {
      if (!url.searchParams.has("mount")) return false;
      response.writeHead(500).end();
      return true;
    };
    await using client = testClient();

    assert.equal(await open(client, registry, "push").uploadBlob(uploadOf(Buffer.from("x"), "base"), limit()), "uploaded");
    assert.deepEqual(registry.requests.map(({ method }) => method), ["POST", "POST", "PUT"]);
    registry.intercept = (request, response) => {
      const writeHead = response.writeHead.bind(response) as (status: number, ...rest: unknown[]) => typeof response;
      if (request.method === "POST") response.writeHead = (status: number, ...rest: unknown[]) => writeHead(status === 202 ? 200 : status, ...rest);
      return false;
    };
    assert.equal(await open(client, registry, "push").uploadBlob(uploadOf(Buffer.from("y")), limit()), "uploaded");
  });
});

describe("referrers of a manifest", () => {
  for (const [name, referrers] of [["by the registry's interface", true], ["by the fallback tag", false]] as const) {
    test(`are found ${name}`, async () => {
      await using registry = await startFakeRegistry({ referrers });
      const subject = registry.addManifest("a/b", { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] }, "1");
      const config = { mediaType: MEDIA_TYPE.ociEmpty, ...registry.addBlob("a/b", Buffer.from("{}")) };
      await using client = testClient();

      const repository = open(client, registry, "push");
      assert.deepEqual(await repository.referrers(subject.digest, limit()), []);
      const put = async (artifactType: string): Promise<void> => {
        const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, artifactType, config, layers: [], subject }));
        await repository.putManifest({ tag: undefined, mediaType: MEDIA_TYPE.ociManifest, bytes }, limit());
      };
      for (const type of ["text/a", "text/b", "text/a"]) await put(type);
      const found = await repository.referrers(subject.digest, limit());
      assert.deepEqual(found.map(({ artifactType }) => artifactType), ["text/a", "text/b"]);
      assert.equal(registry.tags.has(`a/b:${subject.digest.replace(":", "-")}`), !referrers);
    });
  }
});
