import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readTar } from "../../src/archive/tar-reader.ts";
import { bytesOf, collectBytes } from "../../src/content/bytes.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

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

/** What Docker's interface says of "Import images", at a socket of its own or a port. */
async function startEngine(answer: Answer, kind: "unix" | "tcp" = "unix"): Promise<FakeEngine> {
  const seen: string[] = [];
  const path = join(place.path, `engine-${engines++}.sock`);
  const server = createServer((request, response) => {
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
  return await place.stemma(["build", "--load", "-t", "app:1", ...more, context], { env: { DOCKER_HOST: address } });
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
      assert.deepEqual(engine.seen, ["POST /images/load?quiet=1 application/x-tar"]);
      const files = new Map<string, string>();
      for await (const { entry, content } of readTar(bytesOf(tar))) files.set(entry.path, (await collectBytes(content, TAR_BYTES_MAX)).toString("utf8"));
      const [image] = JSON.parse(files.get("manifest.json") ?? "") as Array<{ Config: string; RepoTags: string[]; Layers: string[] }>;
      assert.deepEqual(image?.RepoTags, ["app:1"]);
      assert.ok(image.Layers.every((name) => files.has(name)) && files.has(image.Config));
    });
  }

  test("tells what the engine says where it does not take the image, also after its answer has begun", async () => {
    await using broken = await startEngine(async (request, response) => {
      await collectBytes(request, TAR_BYTES_MAX);
      response.writeHead(200).end('{"stream":"Loading"}\n{"errorDetail":{"message":"no space left"},"error":"no space left"}\n');
    });
    await assertRefused(broken.address, 74, /^ERROR: failed to build: failed to solve: the Docker engine at unix:\/\/\S+ does not take the image: no space left$/);
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
    await assertRefused(engine.address, 64, /docker exporter does not support exporting manifest lists/, "--platform=linux/amd64,linux/arm64");
    assert.deepEqual(engine.seen, []);
  });

  const real = spawnSync("docker", ["info"]).status === 0 ? false : "no Docker engine answers on this machine";
  test("gives the image to the engine of this machine", { skip: real }, async () => {
    const name = `stemma-load-test:${process.pid}`;
    const { exitCode, stderr } = await place.stemma(["build", "--load", "-t", name, context], { env: { DOCKER_HOST: process.env["DOCKER_HOST"] ?? "" } });
    try {
      assert.equal(exitCode, 0, stderr);
      assert.equal(spawnSync("docker", ["image", "inspect", name]).status, 0);
    } finally {
      spawnSync("docker", ["image", "rm", name]);
    }
  });
});
