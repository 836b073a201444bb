import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, globSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { startFaultyRegistry, type FaultyRegistry, type ForwardedRequest } from "../../src/testing/faulty-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

/** Three times what is made before the first bytes are sent: long enough to be compressed that these are somewhere else before the last ones are made. */
const BIG_BYTES = 12 * 1024 * 1024;
/** zstd is fast, and works at 40 MiB at once. */
const MORE_BYTES = 36 * 1024 * 1024;
const COMPRESSIONS = [["gzip", 9, "Dockerfile", BIG_BYTES], ["zstd", 12, "Dockerfile.more", BIG_BYTES + MORE_BYTES]] as const;
const INTERRUPT_MS_MAX = 5000;

let place: Place;
let upstream: DockerRegistry;
let context: string;
let tests = 0;

before(async () => {
  if (dockerRegistrySkip !== false) return;
  [place, upstream] = await Promise.all([openPlace(), startDockerRegistry()]);
  // Nobody copied it, and no line of the Dockerfile has it: only an SBOM tells it.
  const status = ["Package: hello", "Status: install ok installed", "Version: 1", "Architecture: amd64"].map((line) => `echo "${line}"; `).join("");
  const secret = `${BASE}COPY big /big\nCOPY var /var\nRUN { ${status}echo "Homepage: https:/""/me:planted""-Pa55word@host.dev/"; echo; } > /var/lib/dpkg/status\n`;
  context = await contextWithBase(place, "context", {
    big: randomBytes(BIG_BYTES), more: randomBytes(MORE_BYTES), "var/lib/dpkg/empty": "",
    Dockerfile: "FROM scratch\nCOPY big /big\n",
    "Dockerfile.more": "FROM scratch\nCOPY big more /\n",
    "Dockerfile.secret": secret,
    "Dockerfile.two": "FROM scratch AS first\nCOPY big /first\nFROM scratch\nCOPY Dockerfile /\nCOPY --from=first /first /second\n",
  });
});

after(async () => {
  await upstream?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

interface Build {
  /** A state of its own: nothing of the layer is known before. */
  readonly root: string;
  readonly repository: string;
  readonly args: (...flags: readonly string[]) => string[];
}

function newBuild(dockerfile = "Dockerfile"): Build {
  const root = join(place.path, `state-${tests}`);
  return { root, repository: `streamed/${tests++}`, args: (...flags) => ["build", "--root", root, "--progress=plain", "-f", join(context, dockerfile), ...flags, context] };
}

const isFeed = ({ method }: ForwardedRequest): boolean => method === "PATCH";
const layersOf = (root: string): readonly string[] => globSync("blobs/sha256/*", { cwd: root });

/** What happens when the first bytes of a layer are about to arrive. */
function onFeed(registry: FaultyRegistry, run: (request: ForwardedRequest) => void): void {
  registry.fault = (request) => {
    if (isFeed(request)) run(request);
    return undefined;
  };
}

/** What a registry keeps: blobs, and the bytes of uploads that were not ended. */
function kept(repository: string): { readonly blobs: number; readonly uploads: number } {
  const directory = join(upstream.storage, "docker/registry/v2/repositories", repository);
  const blobs = join(directory, "_layers/sha256");
  return { blobs: existsSync(blobs) ? readdirSync(blobs).length : 0, uploads: globSync("_uploads/*/data", { cwd: directory }).length };
}

describe("a push of a new layer", { skip: dockerRegistrySkip }, () => {
  for (const [compression, level, dockerfile, sizeBytes] of COMPRESSIONS) {
    test(`is under way before the layer is compressed with ${compression}, and sends it once`, async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      const { root, repository, args } = newBuild(dockerfile);
      let made: readonly string[] | undefined;
      onFeed(registry, () => (made ??= layersOf(root)));
      const { exitCode, stderr } = await place.stemmaHere(args("-o", `type=image,name=${registry.host}/${repository}:1,push=true,compression=${compression},compression-level=${level}`));
      assert.equal(exitCode, 0, stderr);
      assert.deepEqual([made, layersOf(root).length], [[], 1], "blobs in the store, when it begins and when it ends");
      assert.ok(registry.requests.filter(({ method }) => method !== "GET").reduce((sum, { receivedBytes }) => sum + receivedBytes, 0) < sizeBytes * 1.1);
      assert.match(stderr, new RegExp(`pushing sha256:[0-9a-f]{64} ${Math.floor(sizeBytes / 1_000_000)}\\.\\d+MB`));
      assert.equal(kept(repository).uploads, 0);
      assertNoWorkLeft(root);
    });
  }

  test("to two registries goes to both meanwhile, and what is known later is asked for and not sent", async () => {
    await using first = await startFaultyRegistry(upstream.host);
    await using second = await startFaultyRegistry(upstream.host);
    const { root, repository, args } = newBuild();
    const made: number[] = [];
    for (const registry of [first, second]) onFeed(registry, () => made.push(layersOf(root).length));
    const names = [first, second].map(({ host }, i) => `${host}/${repository}/${i}:1`);
    const push = names.flatMap((name) => ["-t", name]);
    const { exitCode, stderr } = await place.stemmaHere(args("--push", ...push));
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(made, [0, 0]);
    const again = await place.stemmaHere(args("--push", ...push, "-t", `${first.host}/${repository}/0:2`));
    assert.equal(again.exitCode, 0, again.stderr);
    assert.equal([...first.requests, ...second.requests].filter(isFeed).length, 2);
  });

  for (const [what, ...flags] of [["a tag"], ["a digest", "-o", "type=image,push=true,push-by-digest=true"]] as const) {
    test(`and once more to ${what}: nothing that is there is sent, or asked for blob by blob`, async () => {
      await using registry = await startFaultyRegistry(upstream.host);
      const { repository, args } = newBuild();
      const name = `${registry.host}/${repository}`;
      const push = flags.length === 0 ? ["--push", "-t", `${name}:1`] : ["-o", `${flags[1]},name=${name}`];
      const build = async (): Promise<readonly string[]> => {
        const before = registry.requests.length;
        const { exitCode, stderr } = await place.stemmaHere(args(...push));
        assert.equal(exitCode, 0, stderr);
        return registry.requests.slice(before).map(({ method, path }) => `${method} ${path.split("/").at(-2)}`);
      };
      assert.ok((await build()).includes("HEAD blobs"));
      const again = await build();
      assert.deepEqual([...new Set(again)], ["HEAD manifests"], again.join("\n"));
    });
  }

  test("that only a cache names is sent while it is compressed too", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const { root, repository, args } = newBuild("Dockerfile.two");
    const made: number[] = [];
    onFeed(registry, () => made.push(layersOf(root).length));
    const { exitCode, stderr } = await place.stemmaHere(args("--cache-to", `type=registry,ref=${registry.host}/${repository}:cache,mode=max`));
    assert.equal(exitCode, 0, stderr);
    assert.equal(made.length, 2, "both stages' layers");
    assert.equal(kept(repository).uploads, 0);
  });
});

describe("--secrets-in-evidence=refuse", { skip: dockerRegistrySkip }, () => {
  test("sends no byte before what an SBOM says was looked through, and none where it holds a secret", { skip: runSkip }, async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const { repository, args } = newBuild("Dockerfile.secret");
    const refused = await place.stemmaHere(args("--push", "-t", `${registry.host}/${repository}:1`, "--sbom=true", "--secrets-in-evidence=refuse"));
    assert.equal(refused.exitCode, 76, refused.stderr);
    assert.match(refused.stderr, /sbom\.spdx\.json would hold a secret: url credentials in package hello/);
    assert.deepEqual(registry.requests.filter(({ method }) => method !== "GET" && method !== "HEAD"), []);
  });

  test("lets a layer be sent meanwhile where all is known before", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const { repository, args } = newBuild();
    const { exitCode, stderr } = await place.stemmaHere(args("--push", "-t", `${registry.host}/${repository}:1`, "--provenance=mode=max", "--secrets-in-evidence=refuse"));
    assert.equal(exitCode, 0, stderr);
    assert.equal(registry.requests.filter(isFeed).length, 1);
  });
});

describe("a push that is stopped while its layer is made and sent", { skip: dockerRegistrySkip }, () => {
  test("by Ctrl-C leaves nothing here, and nothing in the registry", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const { root, repository, args } = newBuild();
    const begun = Promise.withResolvers<void>();
    onFeed(registry, () => begun.resolve());
    const command = place.start(args("--push", "-t", `${registry.host}/${repository}:1`));
    await begun.promise;
    const since = performance.now();
    command.kill("SIGINT");
    const { exitCode, stderr } = await command.ended;
    assert.deepEqual([exitCode, stderr.trimEnd().split("\n").at(-1)], [130, "ERROR: interrupted"], stderr);
    assert.ok(performance.now() - since < INTERRUPT_MS_MAX);
    assert.deepEqual([kept(repository), layersOf(root)], [{ blobs: 0, uploads: 0 }, []]);
    assertNoWorkLeft(root);
    await assertNothingRuns(root);
  });

  test("by Ctrl-C ends within seconds where the registry takes nothing", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const { root, repository, args } = newBuild();
    const begun = Promise.withResolvers<void>();
    registry.fault = (request) => {
      if (!isFeed(request)) return undefined;
      begun.resolve();
      return { kind: "silent" };
    };
    const command = place.start(args("--push", "-t", `${registry.host}/${repository}:1`));
    await begun.promise;
    const since = performance.now();
    command.kill("SIGINT");
    assert.equal((await command.ended).exitCode, 130);
    assert.ok(performance.now() - since < INTERRUPT_MS_MAX);
    assertNoWorkLeft(root);
  });

  test("by a kill leaves nothing that the next build does not take away, and the next push works", async () => {
    await using registry = await startFaultyRegistry(upstream.host);
    const { root, repository, args } = newBuild();
    const begun = Promise.withResolvers<void>();
    onFeed(registry, () => begun.resolve());
    const push = ["--push", "-t", `${registry.host}/${repository}:1`];
    const command = place.start(args(...push));
    await begun.promise;
    command.kill("SIGKILL");
    assert.equal((await command.ended).exitCode, 137);
    await assertNothingRuns(root);
    assert.equal(kept(repository).blobs, 0);
    const { exitCode, stderr } = await place.stemmaHere(args(...push));
    assert.equal(exitCode, 0, stderr);
    assertNoWorkLeft(root);
  });
});
