import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readTar } from "../../src/archive/tar-reader.ts";
import { bytesOf, collectBytes } from "../../src/content/bytes.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { ownEngineSkip, startOwnEngine } from "../../src/testing/own-docker-engine.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { BASE, contextWithBase, makeContext } from "./small-base.ts";

const TAR_BYTES_MAX = 64 * 1024 * 1024;

let place: Place;
let context: string;
let engines = 0;

before(async () => {
  place = await openPlace();
  context = await makeContext(place, "context", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a\n", big: Buffer.alloc(8 * 1024 * 1024, "x"), Big: "FROM scratch\nCOPY big /\n" });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

interface FakeEngine extends AsyncDisposable {
  readonly address: string;
  readonly seen: string[];
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

const INFO = { docker: { Driver: "overlay2", DriverStatus: [["Backing Filesystem", "extfs"]] }, oci: { Driver: "overlayfs", DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] } };

/** What Docker's interface says of "Get system information" and, by `answer`, of "Import images", at a socket of its own or a port. */
async function startEngine(answer: Answer, kind: "unix" | "tcp" = "unix", takes: keyof typeof INFO = "docker"): Promise<FakeEngine> {
  const seen: string[] = [];
  const path = join(place.path, `engine-${engines++}.sock`);
  const server = createServer((request, response) => {
    if (request.url === "/info") return void response.end(JSON.stringify(INFO[takes]));
    seen.push(`${request.method} ${request.url} ${request.headers["content-type"]}`);
    void answer(request, response);
  });
  if (kind === "unix") server.listen(path);
  else server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  return {
    address: typeof bound === "object" && bound !== null ? `tcp://127.0.0.1:${bound.port}` : `unix://${path}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function load(address: string, ...more: readonly string[]): Promise<CommandRun> {
  return await place.stemmaHere(["build", "--load", "-t", "app:1", ...more, context], { env: { DOCKER_HOST: address } });
}

async function assertRefused(address: string, status: number, says: RegExp, ...more: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await load(address, ...more);
  assert.equal(exitCode, status, stderr);
  assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", says);
  assert.doesNotMatch(stderr, /\n {4}at |bug in stemma/);
}

describe("--load", () => {
  for (const kind of ["unix", "tcp"] as const) {
    test(`gives the image to an engine at ${kind}, under its name`, async () => {
      let tar: Buffer = Buffer.alloc(0);
      await using engine = await startEngine(async (request, response) => {
        tar = await collectBytes(request, TAR_BYTES_MAX);
        response.writeHead(200, { "content-type": "application/json" }).end('{"stream":"Loaded image: app:1\\n"}\n');
      }, kind);
      const { exitCode, stderr } = await load(engine.address);
      assert.equal(exitCode, 0, stderr);
      assert.deepEqual(engine.seen, ["POST /images/load application/x-tar"]);
      const files = new Map<string, string>();
      for await (const { entry, content } of readTar(bytesOf(tar))) files.set(entry.path, (await collectBytes(content, TAR_BYTES_MAX)).toString("utf8"));
      const [image] = JSON.parse(files.get("manifest.json") ?? "") as Array<{ Config: string; RepoTags: string[]; Layers: string[] }>;
      assert.deepEqual(image?.RepoTags, ["app:1"]);
      assert.ok(image.Layers.every((name) => files.has(name)) && files.has(image.Config));
    });
  }

  test("gives an engine that keeps images as they are all platforms and the records, and says the digest that it is known by there", async () => {
    let tar: Buffer = Buffer.alloc(0);
    await using engine = await startEngine(async (request, response) => {
      tar = await collectBytes(request, TAR_BYTES_MAX);
      response.writeHead(200).end('{"stream":"Loaded image: app:1\\n"}\n');
    }, "unix", "oci");
    const iid = join(place.path, "iid");
    const { exitCode, stderr } = await load(engine.address, "--platform=linux/amd64,linux/arm64", "--provenance=mode=min", "-o", "type=docker", "--iidfile", iid);
    assert.equal(exitCode, 0, stderr);
    // `--load` and an output of the docker form without `dest` are one.
    assert.equal(engine.seen.length, 1);
    const files = new Map<string, string>();
    for await (const { entry, content } of readTar(bytesOf(tar))) files.set(entry.path, (await collectBytes(content, TAR_BYTES_MAX)).toString("utf8"));
    assert.ok(!files.has("manifest.json"));
    const { manifests: [top] } = JSON.parse(files.get("index.json") ?? "") as { manifests: Array<{ digest: string; annotations: Record<string, string> }> };
    assert.deepEqual([top?.digest, top?.annotations["io.containerd.image.name"]], [readFileSync(iid, "utf8"), "docker.io/library/app:1"]);
    const { manifests } = JSON.parse(files.get(`blobs/${top?.digest.replace(":", "/")}`) ?? "") as { manifests: Array<{ platform: { architecture: string } }> };
    assert.deepEqual(manifests.map(({ platform }) => platform.architecture), ["amd64", "arm64", "unknown", "unknown"]);
  });

  test("finds the engine by Docker's context, and names a single image too as that engine does", async () => {
    await using engine = await startEngine((request, response) => void request.resume().once("end", () => response.end()), "unix", "oci");
    const meta = createHash("sha256").update("mine").digest("hex");
    const config = await makeContext(place, "docker", { [`contexts/meta/${meta}/meta.json`]: JSON.stringify({ Endpoints: { docker: { Host: engine.address } } }) });
    const { exitCode, stdout, stderr } = await place.stemmaHere(["build", "-q", "-o", "type=docker,context=mine", "--metadata-file", join(place.path, "metadata.json"), "-t", "app:1", context], { env: { DOCKER_CONFIG: config } });
    assert.equal(exitCode, 0, stderr);
    assert.equal(engine.seen.length, 1);
    const metadata = JSON.parse(readFileSync(join(place.path, "metadata.json"), "utf8")) as Readonly<Record<string, unknown>>;
    assert.deepEqual([metadata["containerimage.digest"], metadata["containerimage.config.digest"]], [stdout.trim(), undefined]);
  });
});

describe("--load beside other outputs", { skip: dockerRegistrySkip }, () => {
  let registry: DockerRegistry;
  before(async () => void (registry = await startDockerRegistry()));
  after(() => registry[Symbol.asyncDispose]());

  const pushedDigest = async (name: string): Promise<string | null> => {
    const { status, headers } = await fetch(`http://${registry.host}/v2/${name}/manifests/1`, { method: "HEAD", headers: { accept: "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json" } });
    return status === 200 ? headers.get("docker-content-digest") : null;
  };

  test("the engine gets the image, the registry too, and files are written; the digest that is told is the pushed one's", async () => {
    const loaded: string[] = [];
    await using engine = await startEngine(async (request, response) => {
      for await (const { entry } of readTar(bytesOf(await collectBytes(request, TAR_BYTES_MAX)))) loaded.push(entry.path);
      response.end('{"stream":"Loaded image"}\n');
    });
    const [metadata, archive, files, name] = [join(place.path, "beside.json"), join(place.path, "beside.tar"), join(place.path, "beside"), `${registry.host}/beside:1`];
    const flags = ["-t", name, "-o", `type=docker,dest=${archive}`, "-o", `type=local,dest=${files}`, "--load", "--push", "--metadata-file", metadata];
    const { exitCode, stderr } = await place.stemmaHere(["build", "--progress=plain", ...flags, context], { env: { DOCKER_HOST: engine.address } });
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual([engine.seen.length, loaded.includes("manifest.json"), readFileSync(join(files, "a"), "utf8")], [1, true, "a\n"]);
    assert.ok(readFileSync(archive).includes("manifest.json"), "a file of the same form is another output");
    const told = JSON.parse(readFileSync(metadata, "utf8")) as Readonly<Record<string, unknown>>;
    assert.deepEqual([told["containerimage.digest"], told["image.name"]], [await pushedDigest("beside"), name]);
    assert.match(stderr, /importing to docker\n[^]*pushing manifest for /, "what others see comes last");
  });

  test("an engine that takes nothing leaves nothing pushed", async () => {
    await using engine = await startEngine(async (request, response) => {
      await collectBytes(request, TAR_BYTES_MAX);
      response.end('{"error":"no space left"}\n');
    });
    const { exitCode } = await place.stemmaHere(["build", "-t", `${registry.host}/unseen:1`, "--push", "--load", context], { env: { DOCKER_HOST: engine.address } });
    assert.deepEqual([exitCode, await pushedDigest("unseen")], [74, null]);
  });
});

describe("--load that comes to nothing", () => {
  test("tells what the engine says where it does not take the image, also after its answer has begun", async () => {
    await using broken = await startEngine(async (request, response) => {
      await collectBytes(request, TAR_BYTES_MAX);
      response.writeHead(200).end('{"stream":"Loading"}\n{"errorDetail":{"message":"no space left"},"error":"no space left"}\n');
    });
    await assertRefused(broken.address, 74, /^ERROR: failed to build: failed to solve: the Docker engine at unix:\/\/\S+ does not take the image: no space left$/);
    await using shallow = await startEngine(async (request, response) => {
      await collectBytes(request, TAR_BYTES_MAX);
      response.writeHead(200).end('{"errorDetail":{"message":"max depth exceeded"},"error":"max depth exceeded"}\n');
    });
    await assertRefused(shallow.address, 74, /does not take the image: max depth exceeded: it has more layers than the engine's store takes \(125\): join RUNs with &&, copy what is needed into a last stage, or /);
    await using refusing = await startEngine(async (request, response) => {
      await collectBytes(request, TAR_BYTES_MAX);
      response.writeHead(500, { "content-type": "application/json" }).end('{"message":"not today"}');
    });
    await assertRefused(refusing.address, 74, /does not take the image: not today$/);
  });

  test("says what to do where no engine answers: before anything is built, or when it goes away", async () => {
    const { exitCode, stderr } = await load("unix:///nowhere/docker.sock");
    assert.equal(exitCode, 74, stderr);
    assert.match(stderr, /^ERROR: failed to build: no Docker engine answers at unix:\/\/\/nowhere\/docker\.sock: start it, name another with DOCKER_HOST, or write a file with -o type=docker,dest=image\.tar and load that with "docker load"\n$/);
    await using gone = await startEngine((request) => void request.once("data", () => request.socket.destroy()));
    await assertRefused(gone.address, 74, /no Docker engine answers at unix:\/\/\S+ \(.+\): start it/, "-f", join(context, "Big"));
    await assertRefused("tcp://127.0.0.1:1", 74, /no Docker engine answers at tcp:\/\/127\.0\.0\.1:1 \(connect ECONNREFUSED/);
  });

  test("refuses ways to an engine that it does not know, and images that no engine takes", async () => {
    await assertRefused("ssh://host", 64, /^ERROR: failed to build: DOCKER_HOST=ssh:\/\/host: only unix:\/\/ and tcp:\/\/ are supported/);
    await using engine = await startEngine((_request, response) => void response.end());
    await assertRefused(engine.address, 64, /docker exporter does not currently support exporting manifest lists: the Docker engine at unix:\/\/\S+ does not keep images in containerd's store/, "--platform=linux/amd64,linux/arm64");
    assert.deepEqual(engine.seen, []);
  });
});

/**
 * With the real thing: the engine that answers on this machine (DOCKER_HOST), and one of each store where `dockerd` can be started, such as that of
 * Debian's docker.io. `engine` is asked for once the tests begin.
 */
function realEngine(title: string, skip: string | false, engine: () => Promise<{ readonly address: string } & Partial<AsyncDisposable>>): void {
  describe(title, { skip }, () => {
    const name = `stemma-load-test:${process.pid}`;
    let started: Awaited<ReturnType<typeof engine>>;
    let keepsAll = false;
    const run = (...args: readonly string[]): Buffer => spawnSync("docker", args, { env: { ...process.env, DOCKER_HOST: started.address }, maxBuffer: TAR_BYTES_MAX }).stdout;
    const docker = (...args: readonly string[]): string => run(...args).toString("utf8").trim();
    const build = async (...args: readonly string[]): Promise<CommandRun> => await place.stemmaHere(["build", "--load", "-t", name, ...args], { env: { DOCKER_HOST: started.address, HOME: process.env["HOME"] ?? "" } });
    before(async () => {
      started = await engine();
      keepsAll = docker("info", "--format", "{{json .DriverStatus}}").includes("io.containerd.snapshotter.v1");
    });
    after(async () => {
      docker("image", "rm", "-f", name);
      await started[Symbol.asyncDispose]?.();
    });

    test("gives an image that is known there by the digest that was said, and that runs", async () => {
      const base = await contextWithBase(place, `runs-${engines++}`, { Dockerfile: `${BASE}COPY a /a\nENV GREETING=hello\nCMD ["sh", "-c", "echo $GREETING && cat /a"]\n`, a: "a\n" });
      const { exitCode, stdout, stderr } = await build("-q", base);
      assert.equal(exitCode, 0, stderr);
      assert.equal(docker("image", "inspect", "--format", "{{.Id}}", name), stdout.trim());
      assert.equal(docker("run", "--rm", "--network=none", stdout.trim()), "hello\na");
    });

    test("gives several platforms with their records, or says that the engine cannot hold them", async () => {
      const { exitCode, stdout, stderr } = await build("-q", "--platform=linux/amd64,linux/arm64", "--provenance=mode=max", context);
      if (!keepsAll) return assert.match(stderr, /does not keep images in containerd's store/);
      assert.equal(exitCode, 0, stderr);
      assert.equal(docker("image", "inspect", "--format", "{{.Id}}", name), stdout.trim());
      const saved = run("save", name);
      const paths = new Set<string>();
      for await (const { entry, content } of readTar(bytesOf(saved))) {
        paths.add(entry.path);
        await collectBytes(content, TAR_BYTES_MAX);
      }
      assert.ok(paths.has(`blobs/${stdout.trim().replace(":", "/")}`), [...paths].join(" "));
    });

    test("has every name and its layers' bytes as they were made, whatever compressed them", async () => {
      const other = `${name}-other`;
      for (const compression of ["gzip", "zstd", "uncompressed"]) {
        const { exitCode, stdout, stderr } = await place.stemmaHere(["build", "-q", "--provenance=false", "-t", name, "-t", other, "-o", `type=docker,compression=${compression}`, context], { env: { DOCKER_HOST: started.address } });
        assert.equal(exitCode, 0, stderr);
        assert.deepEqual([name, other].map((each) => docker("image", "inspect", "--format", "{{.Id}}", each)), [stdout.trim(), stdout.trim()], compression);
      }
      docker("image", "rm", "-f", other);
    });
  });
}

const here = spawnSync("docker", ["version"]).status === 0 ? false : "no Docker engine answers on this machine";
realEngine("--load into the engine of this machine", here, () => Promise.resolve({ address: process.env["DOCKER_HOST"] ?? "" }));
for (const store of ["containerd", "classic"] as const) realEngine(`--load into an engine with its ${store} store`, ownEngineSkip, () => startOwnEngine(store));
