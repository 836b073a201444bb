import assert from "node:assert/strict";
import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { dockerRegistrySkip, startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { startFakeRegistry, type FakeRegistry } from "../../src/testing/fake-registry.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { assertNoControlGroupOf, assertNothingRuns, assertNoWorkLeft, processesWith } from "./nothing-left.ts";
import { registryTags } from "./registry-tags.ts";
import { BASE, contextWithBase, makeContext, runSkip } from "./small-base.ts";

/** What an interrupt may take until nothing is left, on a busy machine: on an idle one it is a fraction of a second. */
const INTERRUPT_MS_MAX = 15_000;
const RUNTIMES = ["runc", "crun", "namespaces"].filter((name) => name === "namespaces" || existsSync(`/usr/bin/${name}`) || existsSync(`/usr/sbin/${name}`));

let place: Place;
let context: string;
let root: string;
let tests = 0;

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  context = await contextWithBase(place, "context", { a: "a\n" });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

/** A Dockerfile of its own for each test: no cache answers for another's step. */
async function dockerfile(text: string): Promise<string> {
  const name = `Dockerfile.${tests++}`;
  await makeContext(place, "dockerfiles", { [name]: text.replaceAll("$TEST", name) });
  return join(place.path, "dockerfiles", name);
}

const buildArgs = (file: string, ...flags: readonly string[]): string[] => ["build", "--root", root, "--progress=plain", "-f", file, ...flags, context];

/** The build that comes after: it works with what the disturbed one left, and takes away what that could not. */
async function assertNextBuildWorks(file: string, ...flags: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await place.stemmaHere(buildArgs(file, ...flags));
  assert.equal(exitCode, 0, stderr);
  assertNoWorkLeft(root);
  await assertNothingRuns(place.path);
  return stderr;
}

function assertInterrupted({ exitCode, stderr }: CommandRun): void {
  assert.equal(exitCode, 130, stderr);
  assert.equal(stderr.trimEnd().split("\n").at(-1), "ERROR: interrupted", stderr);
  assert.doesNotMatch(stderr, /\n {4}at /);
}

/** Asks for more than one process to end: one that left its session, one that holds out against signals, and one in the background. */
const STUBBORN = `setsid sleep 4711 & sleep 4712 & trap '' TERM INT; echo "star""ted"; sleep 4713; wait`;

describe("Ctrl-C", () => {
  for (const [signal, runtime] of [...RUNTIMES.map((name) => ["SIGINT", name] as const), ["SIGTERM", "namespaces"] as const]) {
    test(`${signal} during a RUN in ${runtime} ends it with all that it started, and the next build goes on`, { skip: runSkip }, async () => {
      const file = await dockerfile(`${BASE}RUN echo $TEST > /done\nRUN ${STUBBORN}\n`);
      const command = place.start(buildArgs(file, "--sandbox", runtime));
      await command.shown(/\d started/);
      const since = performance.now();
      command.kill(signal);
      assertInterrupted(await command.ended);
      assert.ok(performance.now() - since < INTERRUPT_MS_MAX, `${performance.now() - since} ms`);
      await assertNothingRuns(place.path);
      assertNoWorkLeft(root);
      assertNoControlGroupOf(command.pid);
      const log = await assertNextBuildWorks(await dockerfile(`${BASE}RUN echo ${file.slice(file.lastIndexOf("/") + 1)} > /done\nRUN cat /done\n`));
      assert.match(log, /RUN echo \S+ > \/done\n#\d+ CACHED/);
    });
  }

  test("during a push leaves no tag, and the next push brings the rest", async () => {
    await using registry = await startFakeRegistry();
    const { stalled, release } = stallAt(registry, (method, path) => method === "PUT" && path.includes("/blobs/uploads/"));
    const file = await dockerfile("FROM scratch\nCOPY a /$TEST\n");
    const command = place.start(buildArgs(file, "--push", "-t", `${registry.host}/x:1`));
    await stalled;
    const since = performance.now();
    command.kill("SIGINT");
    assertInterrupted(await command.ended);
    assert.ok(performance.now() - since < INTERRUPT_MS_MAX);
    assert.deepEqual([...registry.tags.keys()], []);
    await assertNothingRuns(place.path);
    assertNoWorkLeft(root);
    release();
    await assertNextBuildWorks(file, "--push", "-t", `${registry.host}/x:1`);
    assert.deepEqual([...registry.tags.keys()], ["x:1"]);
  });

  test("while a registry does not answer ends at once", async () => {
    await using registry = await startFakeRegistry();
    const { stalled } = stallAt(registry, () => true);
    const command = place.start(buildArgs(await dockerfile(`FROM ${registry.host}/base:1\n`)));
    await stalled;
    const since = performance.now();
    command.kill("SIGINT");
    assertInterrupted(await command.ended);
    assert.ok(performance.now() - since < INTERRUPT_MS_MAX);
  });

  test("twice ends at once, and the next build sweeps", { skip: runSkip }, async () => {
    const command = place.start(buildArgs(await dockerfile(`${BASE}RUN ${STUBBORN} # $TEST\n`)));
    await command.shown(/\d started/);
    command.kill("SIGINT");
    command.kill("SIGINT");
    assert.equal((await command.ended).exitCode, 130);
    await assertNothingRuns(place.path);
    await assertNextBuildWorks(await dockerfile(`${BASE}RUN echo $TEST\n`));
  });
});

describe("Ctrl-C while there may be more on standard input", () => {
  for (const args of [["build", "-"], ["check", "-f", "-"]]) {
    test(`ends ${args.join(" ")} at once`, { timeout: 60_000 }, async () => {
      const fifo = join(place.path, `input-${args[0]}`);
      await place.run(["mkfifo", fifo]);
      const command = place.start(args, { wrapper: ["/bin/sh", "-c", 'input=$1; shift; exec "$@" < "$input"', "sh", fifo] });
      try {
        const input = createWriteStream(fifo).on("error", () => undefined);
        // More than a pipe holds: somebody reads.
        await new Promise((resolve) => void input.write("#".repeat(1024 * 1024), resolve));
        const since = performance.now();
        command.kill("SIGINT");
        assertInterrupted(await command.ended);
        assert.ok(performance.now() - since < INTERRUPT_MS_MAX);
        input.destroy();
      } finally {
        command.kill("SIGKILL");
      }
    });
  }
});

describe("a kill", () => {
  for (const runtime of RUNTIMES) {
    test(`during a RUN in ${runtime} takes everything with it, and the next build sweeps`, { skip: runSkip }, async () => {
      const command = place.start(buildArgs(await dockerfile(`${BASE}RUN ${STUBBORN} # $TEST\n`), "--sandbox", runtime));
      await command.shown(/\d started/);
      command.kill("SIGKILL");
      assert.equal((await command.ended).exitCode, 137);
      await assertNothingRuns(place.path);
      await assertNextBuildWorks(await dockerfile(`${BASE}RUN echo $TEST\n`), "--sandbox", runtime);
      assertNoControlGroupOf(command.pid);
    });
  }

  test("at any moment of a COPY of a big file leaves a store that the next build works with", async () => {
    const big = await contextOf(BIG_MIB);
    const args = (flags: readonly string[]): string[] => ["build", "--root", root, ...flags, big];
    for (const afterMs of [0, 15, 50, 125, 250]) {
      const command = place.start(args(["--no-cache"]));
      await command.shown(/load build context/);
      await delay(afterMs);
      command.kill("SIGKILL");
      await command.ended;
    }
    const tar = join(place.path, "big.tar");
    const { exitCode, stderr } = await place.stemmaHere(args(["-o", `type=tar,dest=${tar}`]));
    assert.equal(exitCode, 0, stderr);
    assert.ok((await stat(tar)).size > BIG_MIB * MIB);
    assertNoWorkLeft(root);
    await assertNothingRuns(place.path);
  });

  test("of the command's helper is told as a failure of the sandbox, and not as a bug", { skip: runSkip }, async () => {
    const command = place.start(buildArgs(await dockerfile(`${BASE}RUN ${STUBBORN} # $TEST\n`)));
    await command.shown(/\d started/);
    const [holder] = processesWith(place.path).filter((line) => /^\d+ \S*node\S* \S*\/namespace\/holder\./.test(line));
    process.kill(Number.parseInt(holder ?? "", 10), "SIGKILL");
    const { exitCode, stderr } = await command.ended;
    assert.equal(exitCode, 71, stderr);
    assert.match(stderr, /\nERROR: failed to build: failed to solve: the process that holds our mounts has ended: .* try again\n$/);
    assert.doesNotMatch(stderr, /bug in stemma/);
    await assertNothingRuns(place.path);
    assertNoWorkLeft(root);
    await assertNextBuildWorks(await dockerfile(`${BASE}RUN echo $TEST\n`));
  });

  test("while a git server is silent takes git with it", { skip: existsSync("/usr/bin/git") ? false : "git is not installed" }, async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await silentServer(() => asked.resolve());
    const command = place.start(buildArgs(await dockerfile(`FROM scratch\nADD http://${server.host}/a/b.git /\n`)));
    await asked.promise;
    assert.notDeepEqual(processesWith(server.host), []);
    command.kill("SIGKILL");
    await command.ended;
    await assertNothingRuns(place.path);
    await assertNothingRuns(server.host);
    await assertNextBuildWorks(await dockerfile("FROM scratch\nCOPY a /$TEST\n"));
  });

});

describe("a kill during a push", () => {
  const moments: ReadonlyArray<readonly [string, (method: string, path: string) => boolean]> = [
    ["the first blob", (method, path) => method === "PUT" && path.includes("/blobs/uploads/")],
    ["a manifest", (method, path) => method === "PUT" && path.includes("/manifests/sha256:")],
    ["the tag", (method, path) => method === "PUT" && path.endsWith("/manifests/1")],
  ];
  for (const [moment, isIt] of moments) {
    test(`at ${moment} leaves no tag, and the next push works`, async () => {
      await using registry = await startFakeRegistry();
      const { stalled, release } = stallAt(registry, isIt);
      const file = await dockerfile("FROM scratch\nCOPY a /$TEST\n");
      const push = ["--push", "-t", `${registry.host}/x:1`, "--provenance=mode=max"];
      const command = place.start(buildArgs(file, ...push));
      await stalled;
      command.kill("SIGKILL");
      assert.equal((await command.ended).exitCode, 137);
      assert.deepEqual([...registry.tags.keys()], []);
      release();
      await assertNextBuildWorks(file, ...push);
      assert.deepEqual([...registry.tags.keys()], ["x:1"]);
    });
  }
});

describe("a push that is refused half-way", () => {
  const rows: ReadonlyArray<readonly [what: string, status: number, exit: number, says: RegExp, isIt: (method: string, path: string) => boolean]> = [
    ["a blob, for good", 400, 69, /answers with status 400: BLOB_UPLOAD_INVALID/, (method, path) => method === "PUT" && path.includes("/blobs/uploads/")],
    ["a blob, for want of a right", 403, 77, /denies this to those who are not logged in.*"stemma login 127\.0\.0\.1:\d+" stores some$/, (method, path) => method === "POST" && path.includes("/blobs/uploads/")],
    ["a manifest of evidence", 400, 69, /answers with status 400/, (method, path) => method === "PUT" && path.includes("/manifests/sha256:")],
    ["the tag", 500, 75, /answers with status 500/, (method, path) => method === "PUT" && path.endsWith("/manifests/1")],
    ["too many requests", 429, 75, /has had too many requests from us/, (method, path) => method === "PUT" && path.includes("/manifests/sha256:")],
  ];
  for (const [what, status, exit, says, isIt] of rows) {
    test(`${what}, leaves no tag`, async () => {
      await using registry = await startFakeRegistry();
      refuseAt(registry, status, isIt);
      const file = await dockerfile("FROM scratch\nCOPY a /$TEST\n");
      const push = ["--push", "-t", `${registry.host}/x:1`, "--provenance=mode=max"];
      const { exitCode, stderr } = await place.stemmaHere(buildArgs(file, ...push));
      assert.equal(exitCode, exit, stderr);
      assert.match(stderr, new RegExp(`ERROR: failed to build: failed to solve: failed to push ${registry.host}/x:1: `));
      assert.match(stderr.trimEnd(), says);
      assert.deepEqual([...registry.tags.keys()], []);
      registry.intercept = () => false;
      await assertNextBuildWorks(file, ...push);
      assert.deepEqual([...registry.tags.keys()], ["x:1"]);
    });
  }

  test("by the second of two registries leaves no tag in the first", async () => {
    await using first = await startFakeRegistry();
    await using second = await startFakeRegistry();
    refuseAt(second, 403, (method, path) => method === "PUT" && path.includes("/manifests/"));
    const { exitCode, stderr } = await place.stemmaHere(buildArgs(await dockerfile("FROM scratch\nCOPY a /$TEST\n"), "--push", "-t", `${first.host}/x:1`, "-t", `${second.host}/x:1`));
    assert.equal(exitCode, 77, stderr);
    assert.deepEqual([...first.tags.keys(), ...second.tags.keys()], []);
  });

  test("does not happen where another output cannot be written", async () => {
    await using registry = await startFakeRegistry();
    const { exitCode, stderr } = await place.stemmaHere(buildArgs(await dockerfile("FROM scratch\nCOPY a /$TEST\n"), "-o", `type=image,name=${registry.host}/x:1,push=true`, "-o", `type=oci,dest=${join(context, "a/x.tar")}`));
    assert.equal(exitCode, 74, stderr);
    assert.deepEqual(registry.requests, []);
  });

  test("of a real registry leaves it without the tag too", { skip: dockerRegistrySkip }, async () => {
    await using registry = await startDockerRegistry();
    const big = await contextOf(BIG_MIB);
    const command = place.start(["build", "--root", root, "--push", "-t", `${registry.host}/x:1`, big]);
    await command.shown(/exporting manifest/);
    command.kill("SIGKILL");
    await command.ended;
    assert.deepEqual(await registryTags(registry.host, "x"), []);
    const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "--push", "-t", `${registry.host}/x:1`, big]);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual((await registryTags(registry.host, "x")).filter((tag) => !tag.startsWith("sha256-")), ["1"]);
  });
});

/** Long enough to be killed in. */
const BIG_MIB = 50;
const MIB = 1024 * 1024;
let bigContext: Promise<string> | undefined;

/** A context with a file of so many MiB that do not compress, and that is made once. */
function contextOf(mebibytes: number): Promise<string> {
  const make = async (): Promise<string> => {
    const directory = await makeContext(place, "big", { Dockerfile: "FROM scratch\nCOPY big /\n" });
    const chunk = crypto.getRandomValues(new Uint8Array(65_536));
    const chunks = function* (): Generator<Uint8Array> {
      for (let i = 0; i < mebibytes * 16; i++) yield chunk;
    };
    await pipeline(chunks, createWriteStream(join(directory, "big")));
    return directory;
  };
  return (bigContext ??= make());
}

/** Takes what is asked and answers nothing. */
async function silentServer(onRequest: () => void): Promise<{ readonly host: string } & AsyncDisposable> {
  const server = createServer(onRequest).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Holds the first request of that kind, and tells when it has come. */
function stallAt(registry: FakeRegistry, isIt: (method: string, path: string) => boolean): { readonly stalled: Promise<void>; readonly release: () => void } {
  const stalled = Promise.withResolvers<void>();
  registry.intercept = (request, _response, url) => {
    if (!isIt(request.method ?? "", url.pathname)) return false;
    request.resume();
    stalled.resolve();
    return true;
  };
  return { stalled: stalled.promise, release: () => void (registry.intercept = () => false) };
}

function refuseAt(registry: FakeRegistry, status: number, isIt: (method: string, path: string) => boolean): void {
  registry.intercept = (request, response, url) => {
    if (!isIt(request.method ?? "", url.pathname)) return false;
    request.resume();
    response.writeHead(status, { "content-type": "application/json" }).end('{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}');
    return true;
  };
}
