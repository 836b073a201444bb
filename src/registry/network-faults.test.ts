import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { CorruptBlobError } from "../content/blob-store.ts";
import { collectBytes } from "../content/bytes.ts";
import type { HttpPatience } from "../host/http-exchange.ts";
import { runnablePlatforms } from "../oci/platform-match.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../testing/docker-registry.ts";
import { makeCertificates, opensslSkip } from "../testing/certificates.ts";
import { serveProxy } from "../testing/http-fixture.ts";
import { startFaultyRegistry, TOKEN_USER, type Fault, type FaultyRegistry, type ForwardedRequest } from "../testing/faulty-registry.ts";
import { credentialsOf, refuses, sampleImage, settingsFor, testClient, type SampleImage } from "../testing/registry-fixture.ts";
import type { RegistryErrorCode } from "./registry-error.ts";
import { fetchImage } from "./pull.ts";
import { pushContent } from "./push.ts";

const limit = (): AbortSignal => AbortSignal.timeout(60_000);
const LAYER_BYTES = 3_000_000;
const linux = runnablePlatforms({ os: "linux", architecture: "amd64" });
const quiet = { mountFrom: () => undefined, onProgress: () => undefined } as const;
/** Short where a fault is silence, and there alone: a busy machine is silent too. */
const IMPATIENT = { connectMs: 30_000, answerMs: 3000, idleMs: 1000 };
const SILENT: ReadonlySet<Fault["kind"]> = new Set(["silent", "stall", "slow", "unended"]);

let upstream: DockerRegistry;
let pushed: SampleImage;
let repositories = 0;

before(async () => {
  if (dockerRegistrySkip !== false) return;
  upstream = await startDockerRegistry();
  pushed = await sampleImage([randomBytes(LAYER_BYTES)], limit());
  await using client = testClient();

  await pushContent({ ...quiet, repository: client.repository({ domain: upstream.host, path: "ready" }, "push"), ...pushed, tags: ["1"] }, limit());
});

after(async () => {
  await upstream?.[Symbol.asyncDispose]();
});

type What = "tag" | "manifest" | "blob" | "upload-start" | "upload" | "put-manifest" | "put-tag";

const isAbout: Readonly<Record<What, (request: ForwardedRequest) => boolean>> = {
  tag: ({ method, path }) => method === "HEAD" && path.endsWith("/manifests/1"),
  manifest: ({ method, path }) => method === "GET" && path.includes("/manifests/sha256:"),
  blob: ({ method, path }) => method === "GET" && path.endsWith(`/blobs/${pushed.layers[0]?.digest}`),
  "upload-start": ({ method, path }) => method === "POST" && path.includes("/blobs/uploads/"),
  upload: ({ method, path }) => method === "PUT" && path.includes("/blobs/uploads/"),
  "put-manifest": ({ method, path }) => method === "PUT" && path.includes("/manifests/sha256:"),
  "put-tag": ({ method, path }) => method === "PUT" && path.endsWith("/manifests/1"),
};

type Outcome =
  /** Requests about what the fault was at. */
  | { readonly kind: "succeeds"; readonly requests: number }
  | { readonly kind: "fails"; readonly code: RegistryErrorCode; readonly requests: number; readonly words: readonly string[] };

interface Row {
  readonly fault: Fault;
  readonly at: What;
  /** How often it happens; then the way is clear. */
  readonly times: number;
  readonly outcome: Outcome;
}

const reset: Fault = { kind: "reset" };
const status = (code: number, headers: Readonly<Record<string, string>> = {}, body = ""): Fault => ({ kind: "status", status: code, headers, body });
const succeeds = (requests: number): Outcome => ({ kind: "succeeds", requests });
const fails = (code: RegistryErrorCode, requests: number, ...words: readonly string[]): Outcome => ({ kind: "fails", code, requests, words });

const PULL_ROWS: readonly Row[] = [
  { fault: reset, at: "tag", times: 2, outcome: succeeds(3) },
  { fault: reset, at: "manifest", times: 1, outcome: succeeds(3) },
  { fault: reset, at: "tag", times: 9, outcome: fails("unavailable", 4, "try again, or set mirrors") },
  { fault: { kind: "silent" }, at: "tag", times: 1, outcome: succeeds(2) },
  { fault: { kind: "silent" }, at: "tag", times: 9, outcome: fails("unavailable", 4, "no answer for 3 s", "try again") },
  { fault: { kind: "stall", afterBytes: 100 }, at: "manifest", times: 1, outcome: succeeds(3) },
  { fault: { kind: "reset-answer", afterBytes: 100 }, at: "manifest", times: 1, outcome: succeeds(3) },
  { fault: { kind: "cut", afterBytes: 100 }, at: "manifest", times: 1, outcome: fails("protocol", 1, "sent other bytes") },
  { fault: { kind: "corrupt" }, at: "manifest", times: 1, outcome: fails("protocol", 1, "sent other bytes") },
  { fault: status(503), at: "tag", times: 2, outcome: succeeds(3) },
  { fault: status(500, {}, "disk on fire"), at: "manifest", times: 9, outcome: fails("unavailable", 4, "status 500: disk on fire") },
  { fault: status(502), at: "blob", times: 1, outcome: succeeds(2) },
  { fault: status(429, { "retry-after": "1" }), at: "tag", times: 1, outcome: succeeds(2) },
  { fault: status(429, { "retry-after": "1" }), at: "blob", times: 1, outcome: succeeds(2) },
  { fault: status(429, { "retry-after": "Sun, 06 Nov 2022 08:49:38 GMT", date: "Sun, 06 Nov 2022 08:49:37 GMT" }), at: "tag", times: 1, outcome: succeeds(2) },
  { fault: status(429, { "retry-after": "3600" }), at: "tag", times: 9, outcome: fails("rate-limited", 1, "retry after 3600 s", "mirrors = ") },
  // Without a word of when to come back, a limit may be of a moment.
  { fault: status(429), at: "tag", times: 2, outcome: succeeds(3) },
  { fault: status(429), at: "tag", times: 9, outcome: fails("rate-limited", 4, "too many requests") },
  // Longer in all than silence is borne.
  { fault: { kind: "slow", pauseMs: 30 }, at: "blob", times: 1, outcome: succeeds(1) },
  { fault: status(403, {}, "not you"), at: "blob", times: 9, outcome: fails("denied", 1, "status 403: not you", "stemma login") },
];

const PUSH_ROWS: readonly Row[] = [
  { fault: reset, at: "upload-start", times: 1, outcome: succeeds(2) },
  { fault: reset, at: "upload", times: 1, outcome: succeeds(2) },
  { fault: { kind: "reset-request", afterBytes: 100_000 }, at: "upload", times: 1, outcome: succeeds(2) },
  // Each attempt twice: the connection was in use before, and could just have ended.
  { fault: { kind: "reset-request", afterBytes: 1 }, at: "upload", times: 99, outcome: fails("unavailable", 8, "try again") },
  { fault: { kind: "lost-answer" }, at: "upload", times: 1, outcome: succeeds(2) },
  { fault: status(404, {}, "BLOB_UPLOAD_UNKNOWN"), at: "upload", times: 1, outcome: succeeds(2) },
  { fault: status(400, {}, "DIGEST_INVALID"), at: "upload", times: 9, outcome: fails("rejected", 1, "status 400: DIGEST_INVALID") },
  { fault: { kind: "silent" }, at: "upload", times: 1, outcome: succeeds(2) },
  { fault: status(503), at: "upload", times: 1, outcome: succeeds(2) },
  { fault: status(500, {}, "no room"), at: "upload-start", times: 99, outcome: fails("unavailable", 4, "status 500: no room") },
  { fault: status(429, { "retry-after": "1" }), at: "upload-start", times: 1, outcome: succeeds(2) },
  { fault: status(429, { "retry-after": "3600" }), at: "upload", times: 99, outcome: fails("rate-limited", 1, "retry after 3600 s") },
  { fault: reset, at: "put-manifest", times: 1, outcome: succeeds(2) },
  { fault: { kind: "lost-answer" }, at: "put-manifest", times: 1, outcome: succeeds(2) },
  { fault: status(503), at: "put-tag", times: 3, outcome: succeeds(4) },
  { fault: status(503), at: "put-tag", times: 9, outcome: fails("unavailable", 4, "status 503") },
  { fault: { kind: "lost-answer" }, at: "put-tag", times: 1, outcome: succeeds(2) },
  { fault: status(429, { "retry-after": "1" }), at: "put-tag", times: 1, outcome: succeeds(2) },
  { fault: status(429), at: "upload", times: 1, outcome: succeeds(2) },
];

function strike(registry: FaultyRegistry, { at, fault, times }: Omit<Row, "outcome">): void {
  let left = times;
  registry.fault = (request) => (isAbout[at](request) && left-- > 0 ? fault : undefined);
}

const patienceWith = (fault: Fault | undefined): { readonly patience?: HttpPatience } => (fault !== undefined && SILENT.has(fault.kind) ? { patience: IMPATIENT } : {});

async function pull(registry: FaultyRegistry, fault?: Fault): Promise<void> {
  await using client = testClient({ ...patienceWith(fault), credentials: credentialsOf({ kind: "basic", ...TOKEN_USER }) });

  const repository = client.repository({ domain: registry.host, path: "ready" }, "pull");
  const { value } = await fetchImage(repository, "1", linux, limit());
  for (const layer of value.layers) await collectBytes(repository.blob({ digest: layer.digest as SampleImage["root"]["digest"], size: layer.size }, limit()), LAYER_BYTES);
}

async function push(registry: FaultyRegistry, path: string, fault?: Fault): Promise<SampleImage> {
  await using client = testClient({ ...patienceWith(fault), credentials: credentialsOf({ kind: "basic", ...TOKEN_USER }) });

  const image = await sampleImage([randomBytes(LAYER_BYTES)], limit());
  await presentConfig(path, image);
  await pushContent({ ...quiet, repository: client.repository({ domain: registry.host, path }, "push"), ...image, tags: ["1"] }, limit());
  return image;
}

/** So that there is one blob to push, and requests can be counted. */
async function presentConfig(path: string, { config, content }: SampleImage): Promise<void> {
  await using client = testClient();

  const upload = { descriptor: config, mountFrom: undefined, open: (signal: AbortSignal) => content.read(config.digest, signal) };
  await client.repository({ domain: upstream.host, path }, "push").uploadBlob(upload, limit());
}

/** Past the faults: what the registry itself says. */
async function tagged(path: string): Promise<string | undefined> {
  await using client = testClient();

  return (await client.repository({ domain: upstream.host, path }, "pull").resolve("1", limit()))?.digest;
}

async function assertOutcome(registry: FaultyRegistry, { at, outcome }: Row, run: () => Promise<unknown>): Promise<void> {
  if (outcome.kind === "succeeds") await run();
  else await assert.rejects(run, refuses(outcome.code, registry.host, ...outcome.words));
  assert.equal(registry.requests.filter(isAbout[at]).length, outcome.requests, "requests");
}

function titleOf({ fault, at, times, outcome }: Row): string {
  const detail = fault.kind === "status" ? ` ${fault.status}${fault.headers?.["retry-after"] === undefined ? "" : ` with Retry-After ${fault.headers["retry-after"]}`}` : "";
  return `${fault.kind}${detail} at ${at}, ${times} times: ${outcome.kind} after ${outcome.requests} requests`;
}

describe("a pull over a bad line", { skip: dockerRegistrySkip, concurrency: 8 }, () => {
  for (const row of PULL_ROWS) {
    test(titleOf(row), async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      strike(registry, row);
      await assertOutcome(registry, row, () => pull(registry, row.fault));
    });
  }
});

describe("a push over a bad line", { skip: dockerRegistrySkip, concurrency: 8 }, () => {
  for (const row of PUSH_ROWS) {
    test(titleOf(row), async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      const path = `pushed/${repositories++}`;
      strike(registry, row);
      let image: SampleImage | undefined;
      await assertOutcome(registry, row, async () => void (image = await push(registry, path, row.fault)));
      assert.equal(await tagged(path), image?.root.digest, "a tag is there if, and only if, all else is");
    });
  }
});

describe("a blob that breaks off", { skip: dockerRegistrySkip, concurrency: 8 }, () => {
  const rows: ReadonlyArray<readonly [fault: Fault, ranges: readonly (string | undefined)[]]> = [
    [{ kind: "reset-answer", afterBytes: 1_000_000 }, [undefined, "bytes=1000000-"]],
    [{ kind: "cut", afterBytes: 1_000_000 }, [undefined, "bytes=1000000-"]],
    [{ kind: "stall", afterBytes: 1_000_000 }, [undefined, "bytes=1000000-"]],
    [{ kind: "unended" }, [undefined]],
  ];
  for (const [fault, ranges] of rows) {
    test(`by ${fault.kind} is resumed where it broke, and nothing is read twice`, async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      strike(registry, { fault, at: "blob", times: 1 });
      await pull(registry, fault);
      const asked = registry.requests.filter(isAbout.blob);
      assert.deepEqual(asked.map(({ range }) => range), ranges);
      assert.equal(asked.reduce((sum, { sentBytes }) => sum + sentBytes, 0), LAYER_BYTES);
    });
  }

  test("again and again is resumed each time, also where the registry is busy in between", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const faults: Fault[] = [{ kind: "reset-answer", afterBytes: 500_000 }, status(503), { kind: "cut", afterBytes: 700_000 }, status(429, { "retry-after": "1" }), { kind: "stall", afterBytes: 1 }];
    registry.fault = (request) => (isAbout.blob(request) ? faults.shift() : undefined);
    await pull(registry, faults.at(-1));
    assert.deepEqual(registry.requests.filter(isAbout.blob).map(({ range }) => range), [undefined, "bytes=500000-", "bytes=500000-", "bytes=1200000-", "bytes=1200000-", "bytes=1200001-"]);
  });

  test("is read from the start where the server knows no ranges, and what was seen is dropped", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const faults: Fault[] = [{ kind: "reset-answer", afterBytes: 1_000_000 }, { kind: "no-ranges" }];
    registry.fault = (request) => (isAbout.blob(request) ? faults.shift() : undefined);
    await pull(registry);
    assert.equal(registry.requests.filter(isAbout.blob).length, 2);
  });

  test("for good is reported with the registry, and what to do", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    registry.fault = (request) => (isAbout.blob(request) && request.range !== undefined ? reset : isAbout.blob(request) ? { kind: "reset-answer", afterBytes: 10 } : undefined);
    await assert.rejects(pull(registry), refuses("unavailable", `${registry.host}/ready@${pushed.layers[0]?.digest}`, "try again, or set mirrors"));
  });

  test("with other bytes is refused with the registry, and what to do", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    strike(registry, { fault: { kind: "corrupt" }, at: "blob", times: 1 });
    await assert.rejects(pull(registry), (error: Error) => {
      assert.ok(error instanceof CorruptBlobError, error.stack);
      assert.match(error.message, new RegExp(`^${registry.host}/ready@${pushed.layers[0]?.digest}: ${registry.host} sent other bytes.*try again`));
      return true;
    });
  });
});

describe("a token that ends", { skip: dockerRegistrySkip }, () => {
  for (const uses of [1, 2, 3]) {
    test(`after ${uses} requests is renewed, in a pull and in a push`, async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      registry.requestsOfToken = uses;
      await pull(registry);
      const path = `pushed/${repositories++}`;
      const image = await push(registry, path);
      assert.equal(await tagged(path), image.root.digest);
      const secret = Buffer.from(`${TOKEN_USER.username}:${TOKEN_USER.password}`).toString("base64");
      assert.ok(registry.requests.every(({ path: asked, authorization }) => asked.startsWith("/token") || authorization?.includes(secret) !== true));
    });
  }
});

describe("a registry that sends us elsewhere", { skip: dockerRegistrySkip }, () => {
  const elsewhere = async (): Promise<FaultyRegistry> => await startFaultyRegistry(upstream.host);

  test("does so for blobs and uploads, and the other host sees no credentials", async () => {
    await using other = await elsewhere();
    await using registry = await startFaultyRegistry(upstream.host);
    registry.requestsOfToken = 100;
    registry.fault = (request) => (isAbout.blob(request) || isAbout.upload(request) ? { kind: "redirect", origin: `http://${other.host}` } : undefined);
    await pull(registry);
    const path = `pushed/${repositories++}`;
    const image = await push(registry, path);
    assert.equal(await tagged(path), image.root.digest);
    assert.deepEqual([...new Set(other.requests.map(({ method }) => method))], ["GET", "PUT"]);
    assert.ok(other.requests.every(({ authorization }) => authorization === undefined));
  });

  test("to a host that asks who we are is told that, and neither that host nor one that it names sees credentials", async () => {
    await using other = await elsewhere();
    await using registry = await startFaultyRegistry(upstream.host);
    registry.requestsOfToken = 100;
    other.requestsOfToken = 100;
    registry.fault = (request) => (isAbout.blob(request) ? { kind: "redirect", origin: `http://${other.host}` } : undefined);
    await assert.rejects(pull(registry), refuses("unauthorized", other.host, registry.host));
    assert.deepEqual(other.requests.map(({ path, authorization }) => [path.startsWith("/token"), authorization]), [[false, undefined]]);
  });

  test("to a host that is broken is asked anew", async () => {
    await using other = await elsewhere();
    await using registry = await startFaultyRegistry(upstream.host);
    registry.fault = (request) => (isAbout.blob(request) ? { kind: "redirect", origin: `http://${other.host}` } : undefined);
    const faults: Fault[] = [status(503), { kind: "reset-answer", afterBytes: 1000 }];
    other.fault = () => faults.shift();
    await pull(registry);
    assert.deepEqual(other.requests.map(({ range }) => range), [undefined, undefined, "bytes=1000-"]);
  });
});

describe("a proxy that ends TLS itself", { skip: dockerRegistrySkip || opensslSkip }, () => {
  test("is passed both ways with its authority given, and refused with what to do without", async () => {
    await using certificates = await makeCertificates();
    await using proxy = await serveProxy(certificates.server);
    const domain = upstream.host.replace("127.0.0.1", "registry.example");
    const env = { HTTPS_PROXY: proxy.url };
    const image = await sampleImage([randomBytes(LAYER_BYTES)], limit());
    const push = async (options: Parameters<typeof testClient>[0]): Promise<void> => {
      await using client = testClient(options);

      const path = `pushed/${repositories++}`;
      const repository = client.repository({ domain, path }, "push");
      await pushContent({ ...quiet, repository, ...image, tags: ["1"] }, limit());
      assert.equal((await fetchImage(repository, "1", linux, limit())).root.descriptor.digest, image.root.digest);
      assert.equal(await tagged(path), image.root.digest);
    };
    await push({ env: { ...env, SSL_CERT_FILE: certificates.caPath } });
    await push({ env, config: settingsFor({ [domain]: { tls: { ca: [certificates.ca], keypairs: [], insecure: false } } }) });
    await assert.rejects(push({ env }), refuses("untrusted", domain, `through the proxy ${proxy.url}`, `name its authority with ca = ["/path/ca.pem"] under [registry."${domain}"]`));
  });
});
