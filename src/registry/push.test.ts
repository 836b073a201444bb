import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { bytesOf } from "../content/bytes.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { BlobMissingError, type BlobStore } from "../content/blob-store.ts";
import { exactPlatform, runnablePlatforms } from "../oci/platform-match.ts";
import { startFakeRegistry, type FakeRegistry } from "../testing/fake-registry.ts";
import { refuses, sampleImage, testClient } from "../testing/registry-fixture.ts";
import { eachLimited } from "./each-limited.ts";
import { fetchImage } from "./pull.ts";
import { Push, pushContent, type PushProgress, type PushRequest } from "./push.ts";

const limit = (): AbortSignal => AbortSignal.timeout(20_000);
const quiet = { mountFrom: () => undefined, onProgress: () => undefined } satisfies Partial<PushRequest>;

describe("a push", () => {
  test("brings blobs, then manifests from the leaves, then tags", async () => {
    const image = await sampleImage([randomBytes(200_000), randomBytes(100), Buffer.alloc(0)], limit());
    await using registry = await startFakeRegistry();
    await using client = testClient();

    const repository = client.repository({ domain: registry.host, path: "a/b" }, "push");
    await pushContent({ ...quiet, repository, ...image, tags: ["1", "latest"] }, limit());
    const puts = registry.requests.filter(({ method }) => method === "PUT").map(({ url }) => url.pathname.split("/").slice(-2).join("/").replace(/u\d+/, "x"));
    assert.deepEqual(puts, [...Array<string>(4).fill("uploads/x"), `manifests/${image.manifest.digest}`, "manifests/1", "manifests/latest"]);
    assert.equal(registry.tags.get("a/b:latest"), image.root.digest);
    const fetched = await fetchImage(repository, "latest", runnablePlatforms({ os: "linux", architecture: "amd64" }), limit());
    assert.deepEqual([fetched.root.descriptor.digest, fetched.manifest.descriptor.digest], [image.root.digest, image.manifest.digest]);
    assert.equal(JSON.parse(Buffer.from(fetched.config).toString()).architecture, "amd64");
    await assert.rejects(fetchImage(repository, "latest", exactPlatform({ os: "linux", architecture: "arm64" }), limit()), refuses("not-found", "no match for platform"));
  });

  test("leaves out what is there, mounts what a sister has, and tells of each", async () => {
    const image = await sampleImage([Buffer.from("here"), Buffer.from("sister's"), Buffer.from("new")], limit());
    await using registry = await startFakeRegistry();
    registry.addBlob("a/b", Buffer.from("here"));
    registry.addBlob("base", Buffer.from("sister's"));
    await using client = testClient();

    const last = new Map<Digest, PushProgress>();
    const request: PushRequest = {
      repository: client.repository({ domain: registry.host, path: "a/b" }, "push"),
      content: image.content, root: image.root, tags: ["1"],
      mountFrom: () => "base",
      onProgress: (progress) => void last.set(progress.descriptor.digest, progress),
    };
    await pushContent(request, limit());
    const states = (): readonly string[] => [...image.layers, image.config, image.manifest, image.root].map(({ digest }) => last.get(digest)?.state ?? "none");
    assert.deepEqual(states(), ["present", "mounted", "sent", "sent", "sent", "sent"]);
    assert.equal(last.get(image.config.digest)?.sentBytes, image.config.size);
    await pushContent(request, limit());
    assert.deepEqual(states(), ["present", "present", "present", "present", "sent", "present"]);
  });
});

describe("what is there already", () => {
  test("is told of by its tags and manifests alone, and not sent", async () => {
    const image = await sampleImage([Buffer.from("layer")], limit());
    await using registry = await startFakeRegistry();
    await using client = testClient();
    const repository = client.repository({ domain: registry.host, path: "a/b" }, "push");
    await pushContent({ ...quiet, repository, ...image, tags: ["1", "2"] }, limit());
    const before = registry.requests.length;
    await using push = new Push({ ...quiet, repository });
    for (const names of [["1", "2"], [image.root.digest]]) assert.ok(await push.isThere(image, names, limit()), names.join());
    await push.tags(image, ["1", "2"], limit());
    assert.deepEqual(new Set(registry.requests.slice(before).map(({ method, url }) => `${method} ${url.pathname.split("/").at(-2)}`)), new Set(["HEAD manifests"]));
  });

  const LACKS: ReadonlyArray<readonly [what: string, take: (registry: FakeRegistry, image: Awaited<ReturnType<typeof sampleImage>>) => unknown]> = [
    ["a tag", ({ tags }) => tags.delete("a/b:2")],
    ["every tag", ({ tags }) => tags.clear()],
    ["a tag of this image", ({ tags }, { manifest }) => tags.set("a/b:2", manifest.digest)],
    ["a manifest below", ({ manifests }, { manifest }) => manifests.delete(`a/b@${manifest.digest}`)],
  ];
  for (const [what, take] of LACKS) {
    test(`is not all where ${what} is missing, which the push brings then`, async () => {
      const image = await sampleImage([Buffer.from("layer")], limit());
      await using registry = await startFakeRegistry();
      await using client = testClient();
      const repository = client.repository({ domain: registry.host, path: "a/b" }, "push");
      await pushContent({ ...quiet, repository, ...image, tags: ["1", "2"] }, limit());
      take(registry, image);
      await using push = new Push({ ...quiet, repository });
      assert.equal(await push.isThere(image, ["1", "2"], limit()), false);
      await push.tags(image, ["1", "2"], limit());
      assert.deepEqual([registry.tags.get("a/b:1"), registry.tags.get("a/b:2")], [image.root.digest, image.root.digest]);
      assert.ok(registry.manifests.has(`a/b@${image.manifest.digest}`));
    });
  }

  test("is nothing where no name is asked for", async () => {
    const image = await sampleImage([], limit());
    await using registry = await startFakeRegistry();
    await using client = testClient();
    await using push = new Push({ ...quiet, repository: client.repository({ domain: registry.host, path: "a/b" }, "push") });
    assert.equal(await push.isThere(image, [], limit()), false);
  });
});

test("a push leaves layers where they are that may not be redistributed", async () => {
  const image = await sampleImage([Buffer.from("layer")], limit());
  const foreign = { mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", digest: `sha256:${"1".repeat(64)}`, size: 1, urls: ["https://elsewhere.example/"] };
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: image.manifest.mediaType, config: image.config, layers: [foreign] }));
  const root = { mediaType: image.manifest.mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await image.content.write(root.digest, bytesOf(bytes), limit());
  await using registry = await startFakeRegistry({ checksBlobs: false });
  await using client = testClient();

  await pushContent({ ...quiet, repository: client.repository({ domain: registry.host, path: "a/b" }, "push"), content: image.content, root, tags: ["1"] }, limit());
  assert.equal(registry.tags.get("a/b:1"), root.digest);
  assert.ok(!registry.requests.some(({ url }) => url.pathname.includes(foreign.digest)));
});

describe("a push that does not come through, or has no tag", () => {
  test("has changed no tag where it fails half-way, and stops what else is under way", async () => {
    const image = await sampleImage([Buffer.from("1"), Buffer.from("2"), Buffer.from("3")], limit());
    await using registry = await startFakeRegistry();
    registry.intercept = (request, response) => {
      if (request.method !== "PUT") return false;
      response.writeHead(400, { "content-type": "application/json" }).end('{"errors":[{"code":"SIZE_INVALID"}]}');
      return true;
    };
    await using client = testClient();

    const repository = client.repository({ domain: registry.host, path: "a/b" }, "push");
    await assert.rejects(pushContent({ ...quiet, repository, ...image, tags: ["1"] }, limit()), refuses("rejected", "SIZE_INVALID"));
    assert.equal(registry.tags.size + registry.manifests.size, 0);
  });

  test("fails for what is not here before the registry is asked", async () => {
    const image = await sampleImage([Buffer.from("1")], limit());
    const empty: BlobStore = { ...image.content, async *read(digest) { yield* []; throw new BlobMissingError(digest); } };
    await using registry = await startFakeRegistry();
    await using client = testClient();

    const repository = client.repository({ domain: registry.host, path: "a/b" }, "push");
    await assert.rejects(pushContent({ ...quiet, repository, content: empty, root: image.root, tags: ["1"] }, limit()), BlobMissingError);
    assert.equal(registry.requests.length, 0);
  });

  test("by digest only writes no tag, and ends with the signal's reason", async () => {
    const image = await sampleImage([Buffer.from("1")], limit());
    await using registry = await startFakeRegistry();
    await using client = testClient();

    const repository = client.repository({ domain: registry.host, path: "a/b" }, "push");
    await pushContent({ ...quiet, repository, ...image, tags: [] }, limit());
    assert.equal(registry.tags.size, 0);
    assert.ok(registry.manifests.has(`a/b@${image.root.digest}`));
    const stop = new AbortController();
    registry.intercept = () => {
      stop.abort(new Error("enough"));
      return true;
    };
    await assert.rejects(pushContent({ ...quiet, repository, ...image, tags: ["1"] }, stop.signal), { message: "enough" });
  });
});

describe("work with a bound", () => {
  test("is never more at a time, and all of it is done", async () => {
    let underWay = 0;
    let most = 0;
    const done: number[] = [];
    await eachLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++underWay);
      await delay(5);
      underWay--;
      done.push(item);
    }, limit());
    assert.deepEqual([most, done.length], [3, 7]);
  });

  test("ends with the first failure, once nothing is under way", async () => {
    let underWay = 0;
    const started: number[] = [];
    const run = eachLimited([1, 2, 3, 4], 2, async (item, signal) => {
      started.push(item);
      underWay++;
      if (item === 1) {
        underWay--;
        throw new Error("first");
      }
      await delay(10_000, undefined, { signal }).catch(() => undefined);
      underWay--;
      signal.throwIfAborted();
    }, limit());
    await assert.rejects(run, { message: "first" });
    assert.deepEqual([underWay, started], [0, [1, 2]]);
  });
});
