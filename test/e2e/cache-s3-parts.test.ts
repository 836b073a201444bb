import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { CacheError } from "../../src/cache/cache-error.ts";
import type { KeyedStore } from "../../src/cache/keyed-store.ts";
import { openS3Store } from "../../src/cache/s3-store.ts";
import { bytesOf, collectBytes } from "../../src/content/bytes.ts";
import { digestOf } from "../../src/content/digest.ts";
import { systemClock } from "../../src/host/clock.ts";
import { startFaultyRegistry, type FaultyRegistry } from "../../src/testing/faulty-registry.ts";
import { serverSkip, startS3, type CacheServer } from "./cache-servers.ts";

const MiB = 1024 * 1024;
/** Three parts, the last of which is short. */
const LARGE = hash("shake256", "large", { outputEncoding: "buffer", outputLength: 33 * MiB });
const UNAVAILABLE = { kind: "status", status: 503 } as const;
const signal = new AbortController().signal;
const skip = serverSkip("s3rver");

async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1_000_003) yield bytes.subarray(at, at + 1_000_003);
}

describe("a large layer in S3", { skip }, () => {
  let server: CacheServer;
  let way: FaultyRegistry;
  let store: KeyedStore;
  before(async () => {
    server = await startS3();
    way = await startFaultyRegistry(server.host);
    store = await openS3Store({
      bucket: "cache", region: "us-east-1", endpoint: `http://${way.host}`, pathStyle: true, credentials: { id: "S3RVER", secret: "S3RVER", session: undefined },
      names: ["buildkit"], manifestsPrefix: "manifests/", blobsPrefix: "blobs/", touchRefreshMs: 3_600_000, parallelism: 1, retryMode: undefined, attemptsMax: 2,
    }, systemClock);
  });
  after(async () => {
    for (const each of [store, way, server]) await each[Symbol.asyncDispose]();
  });

  /** What was asked from then on, without the SDK's own parameters. */
  const asked = (from: number): readonly string[] => way.requests.slice(from).map(({ method, path }) => `${method} ${[...new URL(path, "http://s3").searchParams.keys()].filter((key) => key !== "x-id").join(" ")}`.trimEnd());

  test("is sent in parts, and only a part that fails is sent again", async () => {
    let failures = 1;
    way.fault = ({ path }) => (path.includes("partNumber=2") && failures-- > 0 ? UNAVAILABLE : undefined);
    const from = way.requests.length;
    await store.putBlob({ digest: digestOf(LARGE), size: LARGE.length }, () => inPieces(LARGE), signal);
    assert.deepEqual(asked(from), ["POST uploads", "PUT partNumber uploadId", "PUT partNumber uploadId", "PUT partNumber uploadId", "PUT partNumber uploadId", "POST uploadId"]);
    assert.ok((await collectBytes(store.blob(digestOf(LARGE), signal), LARGE.length)).equals(LARGE));
    assert.equal(await store.hasBlob(digestOf(LARGE), signal), true);
  });

  test("leaves nothing behind when it does not get there, be it that S3 or the layer fails", async () => {
    const bytes = Buffer.concat([LARGE, Buffer.from("other")]);
    way.fault = ({ path }) => (path.includes("partNumber=3") ? UNAVAILABLE : undefined);
    const from = way.requests.length;
    await assert.rejects(store.putBlob({ digest: digestOf(bytes), size: bytes.length }, () => inPieces(bytes), signal), (error) => error instanceof CacheError && error.code === "unavailable");
    assert.deepEqual(asked(from).slice(-2), ["PUT partNumber uploadId", "DELETE uploadId"]);
    way.fault = () => undefined;
    const breaking = async function* (): AsyncGenerator<Uint8Array> {
      yield LARGE;
      throw new RangeError("damaged");
    };
    const next = way.requests.length;
    await assert.rejects(store.putBlob({ digest: digestOf(bytes), size: bytes.length }, breaking, signal), RangeError);
    assert.deepEqual(asked(next).at(-1), "DELETE uploadId");
    assert.equal(await store.hasBlob(digestOf(bytes), signal), false);
  });

  test("that is no larger than a part goes in one request, which is sent again where that fails", async () => {
    for (const bytes of [LARGE.subarray(0, 16 * MiB), Buffer.from("a little"), Buffer.alloc(0)]) {
      let failures = 1;
      way.fault = () => (failures-- > 0 ? UNAVAILABLE : undefined);
      const from = way.requests.length;
      await store.putBlob({ digest: digestOf(bytes), size: bytes.length }, () => bytesOf(bytes), signal);
      assert.deepEqual(asked(from), ["PUT", "PUT"]);
      assert.ok((await collectBytes(store.blob(digestOf(bytes), signal), LARGE.length)).equals(bytes));
    }
  });
});
