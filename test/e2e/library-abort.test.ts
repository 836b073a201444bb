import assert from "node:assert/strict";
import { existsSync, globSync } from "node:fs";
import { once } from "node:events";
import { createServer, request as httpRequest, type Server } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { build, type BuildRequest } from "../../src/doors/build.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { registryTags } from "./registry-tags.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

/** What an abort may take until nothing is left, on a busy machine: on an idle one it is a fraction of a second. */
const ABORT_MS_MAX = 15_000;
/** Seconds that no other process of this machine sleeps begin so. */
const SLEEP = `1${String(process.pid).padStart(7, "0")}`;

let workshop: Workshop;
let registry: DockerRegistry | undefined;

before(async () => {
  workshop = await openWorkshop();
  registry = dockerRegistrySkip === false ? await startDockerRegistry() : undefined;
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

class Enough extends Error {}

/** Aborts when the build's output has this word; tells what the result rejected with, and how long that took. */
async function abortAt(word: string, request: BuildRequest): Promise<{ readonly reason: unknown; readonly error: unknown; readonly abortedAt: number }> {
  const controller = new AbortController();
  const reason = new Enough("enough");
  const run = build({ ...request, signal: controller.signal });
  let abortedAt = 0;
  for await (const event of run.events) {
    if (abortedAt > 0 || event.kind !== "step-output" || !Buffer.from(event.bytes).toString().includes(word)) continue;
    abortedAt = performance.now();
    controller.abort(reason);
  }
  const error: unknown = await run.result.then(() => "it succeeded", (rejected: unknown) => rejected);
  assert.ok(abortedAt > 0, `${word} was never seen: ${String(error)}`);
  return { reason, error, abortedAt };
}

async function assertNothingLeft(): Promise<void> {
  await assertNothingRuns(workshop.root);
  assertNoWorkLeft(workshop.root);
}

function assertInTime(abortedAt: number): void {
  const tookMs = performance.now() - abortedAt;
  assert.ok(tookMs < ABORT_MS_MAX, `${tookMs} ms`);
}

test("abort of a RUN rejects with the signal's reason, and leaves no process, mount or working directory", { skip: runSkip }, async () => {
  const request = await workshop.request(`FROM base\nRUN setsid sleep ${SLEEP}5 & echo started; trap '' TERM INT; sleep ${SLEEP}5\n`);
  const { reason, error, abortedAt } = await abortAt("started", request);
  assert.equal(error, reason);
  await assertNothingRuns(`${SLEEP}5`);
  await assertNothingLeft();
  assertInTime(abortedAt);
});

test("steps that run side by side are all ended", { skip: runSkip }, async () => {
  const stage = (name: string): string => `FROM base AS ${name}\nRUN echo ${name} started; sleep ${SLEEP}4\n`;
  const { reason, error, abortedAt } = await abortAt("started", await workshop.request(`${stage("a")}${stage("b")}FROM base\nCOPY --from=a /x /\nCOPY --from=b /x /\n`));
  assert.equal(error, reason);
  await assertNothingRuns(`${SLEEP}4`);
  await assertNothingLeft();
  assertInTime(abortedAt);
});

test("after an abort the same root serves the next build, and what was done is not done again", { skip: runSkip }, async () => {
  const dockerfile = (rest: string): string => `FROM base\nRUN echo once > /once\nRUN ${rest}\n`;
  await abortAt("started", await workshop.request(dockerfile(`echo started; sleep ${SLEEP}3`)));
  const { cached, output } = await workshop.build(dockerfile("cat /once"));
  assert.equal(output, "once\n");
  assert.ok(cached.some((name) => name.includes("RUN echo once")), cached.join("\n"));
});

test("a signal that is already aborted starts nothing", async () => {
  const reason = new Enough("before it began");
  const root = join(workshop.path, "never");
  const run = build({ ...(await workshop.request("FROM scratch\n")), root, signal: AbortSignal.abort(reason) });
  assert.equal(await run.result.catch((error: unknown) => error), reason);
  assert.deepEqual(await Array.fromAsync(run.events), []);
  assert.equal(existsSync(root), false);
});

test("abort at any moment of a build rejects with the reason, and in time", { skip: runSkip }, async () => {
  const context = await workshop.directory(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, `${i}`.repeat(1000)])));
  for (const afterMs of [0, 1, 5, 20, 50, 100, 200]) {
    const controller = new AbortController();
    const reason = new Enough(`after ${afterMs} ms`);
    const request = await workshop.request(`FROM base\nCOPY . /${afterMs}/\nRUN sleep ${SLEEP}2\n`, { context, noCache: true });
    const run = build({ ...request, signal: controller.signal });
    await sleep(afterMs);
    const abortedAt = performance.now();
    controller.abort(reason);
    assert.equal(await run.result.catch((error: unknown) => error), reason);
    await assertNothingRuns(`${SLEEP}2`);
    await assertNothingLeft();
    assertInTime(abortedAt);
  }
});

test("abort of a push leaves no tag", { skip: dockerRegistrySkip }, async () => {
  const controller = new AbortController();
  const reason = new Enough("while it was pushed");
  const seen: string[] = [];
  // The first manifest goes by its digest; a tag would be the last.
  await using front = await forwardTo(registry?.host ?? "", (line) => {
    seen.push(line);
    if (line.startsWith("PUT ") && line.includes("/manifests/")) controller.abort(reason);
  });
  const request = await workshop.request("FROM scratch\nCOPY a /\n", { files: { a: "a" }, tags: [`${front.host}/aborted:1`], push: true, provenance: "mode=max" });
  assert.equal(await build({ ...request, signal: controller.signal }).result.catch((error: unknown) => error), reason);
  assert.ok(seen.some((line) => /^PUT \S*\/manifests\/sha256:/.test(line)), seen.join("\n"));
  await sleep(200);
  assert.deepEqual(await registryTags(registry?.host ?? "", "aborted"), []);
  await build({ ...request, signal: new AbortController().signal }).result;
  assert.ok((await registryTags(registry?.host ?? "", "aborted")).includes("1"));
});

test("abort leaves no half-written output", { skip: runSkip }, async () => {
  const dest = join(workshop.path, "out", "half.tar");
  await abortAt("started", await workshop.request(`FROM base\nRUN echo started; sleep ${SLEEP}1\n`, { outputs: [`type=oci,dest=${dest}`] }));
  assert.deepEqual(globSync("out/**/half*", { cwd: workshop.path }), []);
});

interface Front extends AsyncDisposable {
  readonly host: string;
}

/** A server that passes everything on, and tells of each request before it does. */
async function forwardTo(host: string, onRequest: (line: string) => void): Promise<Front> {
  const [hostname = "", port = ""] = host.split(":");
  const server: Server = createServer((incoming, outgoing) => {
    onRequest(`${incoming.method} ${incoming.url}`);
    const { method = "GET", url: path = "/", headers } = incoming;
    const passed = httpRequest({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    for (const stream of [passed, incoming, outgoing]) stream.on("error", () => passed.destroy());
    incoming.pipe(passed);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const ownPort = typeof address === "object" && address !== null ? address.port : 0;
  return {
    host: `127.0.0.1:${ownPort}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const never = async (): Promise<never> => await new Promise<never>(() => undefined);

async function* stalled(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("the beginning");
  yield await never();
}

test("abort does not wait for a caller's function or stream that never answers", { skip: runSkip === false ? dockerRegistrySkip : runSkip }, async () => {
  await using locked = await startDockerRegistry({ auth: "basic" });
  const requests: ReadonlyArray<readonly [what: string, request: BuildRequest]> = [
    ["secret", await workshop.request("FROM base\nRUN --mount=type=secret,id=s cat /run/secrets/s\n", { secrets: { s: never } })],
    ["credentials", await workshop.request("FROM scratch\nCOPY a /\n", { files: { a: "a" }, tags: [`${locked.host}/a:1`], push: true, credentials: never })],
    ["context", await workshop.request("", { context: { stream: stalled() } })],
    ["archive", await workshop.request("FROM scratch\n", { context: { archive: stalled() } })],
    ["stdout", await workshop.request("FROM scratch\nCOPY a /\n", { files: { a: "a" }, outputs: ["-"], stdout: never })],
  ];
  for (const [what, request] of requests) {
    const controller = new AbortController();
    const reason = new Enough(what);
    const run = build({ ...request, signal: controller.signal });
    await sleep(500);
    const abortedAt = performance.now();
    controller.abort(reason);
    const late = sleep(ABORT_MS_MAX, `${what} holds the build up`, { ref: false });
    assert.equal(await Promise.race([run.result.catch((error: unknown) => error), late]), reason);
    await assertNothingLeft();
    assertInTime(abortedAt);
  }
});
