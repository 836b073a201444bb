import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { HttpPatience } from "../host/http-exchange.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../testing/docker-registry.ts";
import { startFaultyRegistry, TOKEN_USER, type Fault, type FaultyRegistry, type ForwardedRequest } from "../testing/faulty-registry.ts";
import { openHalfMadeBlobs, type HalfMadeBlob, type HalfMadeBlobs } from "../testing/half-made-blob.ts";
import { credentialsOf, sampleImage, testClient, type SampleImage } from "../testing/registry-fixture.ts";
import { Push, type PushProgress } from "./push.ts";

const limit = (): AbortSignal => AbortSignal.timeout(60_000);
const MiB = 1024 * 1024;
const LAYER_BYTES = 6 * MiB;
/** Made before the maker stops for a while. */
const FIRST_BYTES = 5 * MiB;
/** Short where a fault is silence. */
const IMPATIENT = { connectMs: 30_000, answerMs: 4000, idleMs: 2000 };

let blobs: HalfMadeBlobs;
let upstream: DockerRegistry;
let repositories = 0;

before(async () => {
  if (dockerRegistrySkip !== false) return;
  upstream = await startDockerRegistry();
  blobs = await openHalfMadeBlobs();
});

after(async () => {
  await upstream?.[Symbol.asyncDispose]();
  blobs?.[Symbol.dispose]();
});

interface Pushing extends HalfMadeBlob, AsyncDisposable {
  readonly image: SampleImage;
  readonly path: string;
  readonly progress: PushProgress[];
  /** Sends all that the image names, and gives it its tag. */
  readonly tag: (signal?: AbortSignal) => Promise<void>;
}

/** A push to a repository of its own, of an image whose layer is half made and on its way. */
async function pushing(registry: Pick<FaultyRegistry, "host">, { bytes = randomBytes(LAYER_BYTES), patience }: { readonly bytes?: Uint8Array; readonly patience?: HttpPatience } = {}): Promise<Pushing> {
  const path = `streamed/${repositories++}`;
  const image = await sampleImage([bytes], limit());
  const client = testClient({ ...(patience === undefined ? {} : { patience }), credentials: credentialsOf({ kind: "basic", ...TOKEN_USER }) });
  await presentConfig(path, image);
  const progress: PushProgress[] = [];
  const push = new Push({ repository: client.repository({ domain: registry.host, path }, "push"), mountFrom: () => undefined, onProgress: (each) => void progress.push(each) });
  const made = await blobs.make(bytes, FIRST_BYTES);
  push.early(made.blob);
  return {
    ...made, image, path, progress,
    tag: (signal = limit()) => push.tags(image, ["1"], signal),
    async [Symbol.asyncDispose]() {
      await push[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

/** So that there is one blob to push, and requests can be counted. */
async function presentConfig(path: string, { config, content }: SampleImage): Promise<void> {
  await using client = testClient();

  const upload = { descriptor: config, mountFrom: undefined, open: (signal: AbortSignal) => content.read(config.digest, signal) };
  await client.repository({ domain: upstream.host, path }, "push").uploadBlob(upload, limit());
}

/** Past the faults: what the registry itself has. */
async function stored({ path, image }: Pushing): Promise<{ readonly tag: string | undefined; readonly hasLayer: boolean }> {
  await using client = testClient();

  const repository = client.repository({ domain: upstream.host, path }, "pull");
  const [layer] = image.layers;
  return { tag: (await repository.resolve("1", limit()))?.digest, hasLayer: layer !== undefined && (await repository.hasBlob(layer.digest, limit())) };
}

/** Uploads that were begun, and of which the registry still keeps the bytes. Of one that was cancelled it keeps an empty directory. */
function openUploads(path: string): readonly string[] {
  const directory = join(upstream.storage, "docker/registry/v2/repositories", path, "_uploads");
  return existsSync(directory) ? readdirSync(directory).filter((upload) => existsSync(join(directory, upload, "data"))) : [];
}

type What = "begin" | "feed" | "close" | "whole" | "cancel";

/** The first upload of a layer is the streamed one. */
const isAbout: Readonly<Record<What, (request: ForwardedRequest) => boolean>> = {
  begin: ({ method }) => method === "POST",
  feed: ({ method }) => method === "PATCH",
  close: ({ method, path, length }) => method === "PUT" && path.includes("/blobs/uploads/") && length === 0,
  whole: ({ method, path, length }) => method === "PUT" && path.includes("/blobs/uploads/") && length !== 0,
  cancel: ({ method }) => method === "DELETE",
};

interface Row {
  readonly fault: Fault;
  readonly at: What;
  readonly times: number;
  /** Requests that send the layer whole, as if nothing had been sent before. */
  readonly whole: 0 | 1;
  /** Set where the registry keeps what was begun: the connection broke, and with it went what names the rest. */
  readonly leaves?: 1;
}

const reset: Fault = { kind: "reset" };
const status = (code: number, headers: Readonly<Record<string, string>> = {}, body = ""): Fault => ({ kind: "status", status: code, headers, body });
const elsewhere = "/v2/streamed/none/blobs/uploads/none?_state=none";

const ROWS: readonly Row[] = [
  { fault: reset, at: "begin", times: 1, whole: 0 },
  { fault: status(503), at: "begin", times: 2, whole: 0 },
  { fault: status(429, { "retry-after": "1" }), at: "begin", times: 1, whole: 0 },
  { fault: status(403), at: "begin", times: 1, whole: 1 },
  { fault: reset, at: "feed", times: 2, whole: 1 },
  { fault: { kind: "reset-request", afterBytes: 3 * MiB }, at: "feed", times: 2, whole: 1 },
  { fault: { kind: "lost-answer" }, at: "feed", times: 2, whole: 1, leaves: 1 },
  { fault: { kind: "silent" }, at: "feed", times: 1, whole: 1 },
  { fault: status(405), at: "feed", times: 1, whole: 1 },
  { fault: status(413), at: "feed", times: 1, whole: 1 },
  { fault: status(503), at: "feed", times: 1, whole: 1 },
  { fault: status(429, { "retry-after": "1" }), at: "feed", times: 1, whole: 1 },
  { fault: status(202), at: "feed", times: 1, whole: 1 },
  { fault: status(202, { location: elsewhere }), at: "feed", times: 1, whole: 1, leaves: 1 },
  { fault: { kind: "lost-answer" }, at: "close", times: 1, whole: 0 },
  { fault: status(404, {}, "BLOB_UPLOAD_UNKNOWN"), at: "close", times: 1, whole: 1 },
  { fault: status(400, {}, "DIGEST_INVALID"), at: "close", times: 1, whole: 1 },
  { fault: status(429, { "retry-after": "1" }), at: "close", times: 1, whole: 1 },
  { fault: status(201, { "docker-content-digest": `sha256:${"0".repeat(64)}` }), at: "close", times: 1, whole: 1 },
];

function titleOf({ fault, at, times, whole }: Row): string {
  const detail = fault.kind === "status" ? ` ${fault.status} ${JSON.stringify(fault.headers)}` : "";
  return `${fault.kind}${detail} at ${at}, ${times} times: ${whole === 0 ? "comes through" : "is sent again, from the whole file"}`;
}

describe("a layer that is sent while it is made, over a bad line,", { skip: dockerRegistrySkip, concurrency: 6 }, () => {
  for (const row of ROWS) {
    test(titleOf(row), async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      let left = row.times;
      registry.fault = (request) => (isAbout[row.at](request) && left-- > 0 ? row.fault : undefined);
      await using push = await pushing(registry, row.fault.kind === "silent" ? { patience: IMPATIENT } : {});
      await push.end();
      await push.tag();
      assert.equal(registry.requests.filter(isAbout.whole).length, row.whole, "requests that send all of it");
      assert.deepEqual(await stored(push), { tag: push.image.root.digest, hasLayer: true });
      await push[Symbol.asyncDispose]();
      assert.equal(openUploads(push.path).length, row.leaves ?? 0, "uploads that are left open");
    });
  }
});

/** Comes back as soon as a registry has been sent so many bytes of the layer. */
async function hasReceived(registry: FaultyRegistry, sizeBytes: number): Promise<void> {
  const signal = limit();
  while ((registry.requests.find(isAbout.feed)?.receivedBytes ?? 0) < sizeBytes) await delay(5, undefined, { signal });
}

const kinds = (registry: FaultyRegistry): readonly (What | undefined)[] => {
  const names = Object.keys(isAbout) as What[];
  return registry.requests.map((request) => names.find((name) => isAbout[name](request))).filter((kind) => kind !== undefined);
};

describe("a layer that is sent while it is made", { skip: dockerRegistrySkip }, () => {
  test("arrives while its maker is half-way, and can be had by nobody before an image names it", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    await using push = await pushing(registry);
    await hasReceived(registry, FIRST_BYTES);
    assert.equal(push.blob.digest, undefined);
    await push.end();
    await hasReceived(registry, LAYER_BYTES);
    assert.deepEqual(await stored(push), { tag: undefined, hasLayer: false });
    await push.tag();
    assert.deepEqual(await stored(push), { tag: push.image.root.digest, hasLayer: true });
    assert.deepEqual(kinds(registry), ["begin", "feed", "close"]);
    const sizes = push.progress.filter(({ descriptor }) => descriptor.digest === push.blob.digest).map(({ state, sentBytes }) => ({ state, sentBytes }));
    assert.deepEqual([sizes[0], sizes.at(-1)], [{ state: "sending", sentBytes: LAYER_BYTES }, { state: "sent", sentBytes: LAYER_BYTES }]);
  });

  test("is forgotten by the registry where nothing came to name it", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    await using push = await pushing(registry);
    await hasReceived(registry, FIRST_BYTES);
    await push[Symbol.asyncDispose]();
    await push.end();
    assert.deepEqual([kinds(registry), openUploads(push.path), await stored(push)], [["begin", "feed", "cancel"], [], { tag: undefined, hasLayer: false }]);
  });

  test("is forgotten by the registry where its maker fails", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    await using push = await pushing(registry);
    await hasReceived(registry, FIRST_BYTES);
    await push.fail();
    await push[Symbol.asyncDispose]();
    assert.deepEqual([kinds(registry), openUploads(push.path), await stored(push)], [["begin", "feed", "cancel"], [], { tag: undefined, hasLayer: false }]);
  });

  test("is sent no further once the registry turns out to have it", async () => {
    const bytes = randomBytes(LAYER_BYTES);
    await using registry = await startFaultyRegistry(upstream.host);
    await using push = await pushing(registry, { bytes });
    await hasReceived(registry, FIRST_BYTES);
    await push.end();
    const [layer] = push.image.layers;
    assert.ok(layer !== undefined);
    await using client = testClient();

    await client.repository({ domain: upstream.host, path: push.path }, "push").uploadBlob({ descriptor: layer, mountFrom: undefined, open: (signal) => push.image.content.read(layer.digest, signal) }, limit());
    await push.tag();
    assert.deepEqual([kinds(registry), openUploads(push.path), await stored(push)], [["begin", "feed", "cancel"], [], { tag: push.image.root.digest, hasLayer: true }]);
    assert.ok(push.progress.some(({ descriptor, state }) => descriptor.digest === layer.digest && state === "present"));
  });

  test("is left to be sent later where it is small", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    await using push = await pushing(registry, { bytes: randomBytes(MiB) });
    await push.end();
    assert.deepEqual(kinds(registry), []);
    await push.tag();
    assert.deepEqual(kinds(registry), ["begin", "whole"]);
  });
});

describe("a layer that is sent while it is made, to a registry that asks for tokens or sends it elsewhere,", { skip: dockerRegistrySkip }, () => {
  for (const uses of [1, 2, 3]) {
    test(`comes through with tokens that end after ${uses} requests`, async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      registry.requestsOfToken = uses;
      await using push = await pushing(registry);
      await push.end();
      await push.tag();
      assert.deepEqual(await stored(push), { tag: push.image.root.digest, hasLayer: true });
    });
  }

  test("follows a registry that sends it to another host, which sees no credentials", async () => {
    await using other = await startFaultyRegistry(upstream.host);
    await using registry = await startFaultyRegistry(upstream.host);
    registry.requestsOfToken = 100;
    registry.fault = (request) => (isAbout.feed(request) ? { kind: "redirect", origin: `http://${other.host}` } : undefined);
    await using push = await pushing(registry);
    await hasReceived(other, FIRST_BYTES);
    await push.end();
    await push.tag();
    assert.deepEqual(await stored(push), { tag: push.image.root.digest, hasLayer: true });
    assert.ok(other.requests.every(({ authorization }) => authorization === undefined));
    assert.equal(registry.requests.filter(isAbout.whole).length, 0);
  });
});

describe("a registry that takes nothing", { skip: dockerRegistrySkip }, () => {
  test("slows neither who makes a layer nor another registry that it goes to, and is left within seconds", async () => {
    await using stuck = await startFaultyRegistry(upstream.host);
    await using registry = await startFaultyRegistry(upstream.host);
    const bytes = randomBytes(LAYER_BYTES);
    stuck.fault = (request) => (isAbout.feed(request) ? { kind: "silent" } : undefined);
    await using push = await pushing(registry, { bytes });
    await using client = testClient();

    const path = `streamed/${repositories++}`;
    const other = new Push({ repository: client.repository({ domain: stuck.host, path }, "push"), mountFrom: () => undefined, onProgress: () => undefined });
    other.early(push.blob);
    await hasReceived(registry, FIRST_BYTES);
    await push.end();
    await push.tag();
    assert.deepEqual(await stored(push), { tag: push.image.root.digest, hasLayer: true });
    const stop = new AbortController();
    const tagged = other.tags(push.image, ["1"], stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(tagged, { message: "enough" });
    await other[Symbol.asyncDispose]();
    assert.deepEqual(openUploads(path), []);
  });
});
