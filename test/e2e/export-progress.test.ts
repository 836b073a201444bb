import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startProcess } from "../../src/host/process.ts";
import { COMMAND, COMPILE_CACHE } from "../../src/testing/command-path.ts";
import { startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

let place: Place;
let context: string;
let registry: DockerRegistry;

before(async () => {
  [place, registry] = await Promise.all([openPlace(), startDockerRegistry()]);
  context = await makeContext(place, "context", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a\n" });
});

after(async () => {
  await place[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

interface Status {
  readonly vertexes?: ReadonlyArray<{ readonly digest: string; readonly name: string }>;
  readonly statuses?: ReadonlyArray<{ readonly id: string; readonly vertex: string; readonly current: number; readonly started?: string; readonly completed?: string }>;
}

/** The parts of each step of an export, as BuildKit's clients see them, with digests by number: our own about single blobs are left out. Each has begun, and ended. */
async function exported(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Readonly<Record<string, readonly string[]>>> {
  const { exitCode, stderr } = await place.stemmaHere(["build", "--progress=rawjson", ...flags, context], { env });
  assert.equal(exitCode, 0, stderr);
  const told = stderr.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Status);
  const names = new Map(told.flatMap(({ vertexes = [] }) => vertexes.map(({ digest, name }) => [digest, name])));
  const parts = new Map<string, string[]>([...names.values()].filter((name) => /^(?:exporting|importing)/.test(name)).map((name) => [name, []]));
  const numbers = new Map<string, number>();
  for (const { id, vertex, completed, started } of told.flatMap(({ statuses = [] }) => statuses)) {
    if (completed === undefined || /^pushing (?:mounted )?sha256:/.test(id)) continue;
    assert.ok(started);
    parts.get(names.get(vertex) ?? "")?.push(id.replace(/sha256:[0-9a-f]{64}/, (digest) => `#${numbers.set(digest, numbers.get(digest) ?? numbers.size).get(digest)}`));
  }
  return Object.fromEntries(parts);
}

// What buildx 0.29.1 shows of the same with BuildKit v0.32.2.
const IMAGE = ["exporting layers", "exporting manifest #0", "exporting config #1"];
const ATTESTED = [...IMAGE, "exporting attestation manifest #2", "exporting manifest list #3"];

test("a pushed image is told as BuildKit tells it: with and without records, under several names, and by its digest", async () => {
  const name = `${registry.host}/app`;
  assert.deepEqual(await exported(["-t", `${name}:1`, "--push"]), { "exporting to image": [...ATTESTED, "pushing layers", `pushing manifest for ${name}:1@#3`] });
  assert.deepEqual(await exported(["-t", `${name}:1`, "--push", "--provenance=false"]), { "exporting to image": [...IMAGE, "pushing layers", `pushing manifest for ${name}:1@#0`] });
  assert.deepEqual(await exported(["-t", `${name}:1`, "-t", `${name}:2`, "--push"]), { "exporting to image": [...ATTESTED, "pushing layers", `pushing manifest for ${name}:1@#3`, `pushing manifest for ${name}:2@#3`] });
  assert.deepEqual(await exported(["-o", `type=image,name=${name},push=true,push-by-digest=true`, "--provenance=false"]), { "exporting to image": [...IMAGE, "pushing layers", `pushing manifest for ${name}`] });
});

test("archives, directories and what is kept nowhere are told as BuildKit tells them", async () => {
  const dest = (name: string): string => `dest=${join(place.path, name)}`;
  assert.deepEqual(await exported(["-o", `type=oci,${dest("oci.tar")}`]), { "exporting to oci image format": [...IMAGE, "sending tarball"] });
  assert.deepEqual(await exported(["-o", `type=oci,tar=false,${dest("oci")}`, "--provenance=mode=min"]), { "exporting to oci image format": ATTESTED });
  assert.deepEqual(await exported(["-o", `type=docker,${dest("docker.tar")}`]), { "exporting to docker image format": [...IMAGE, "sending tarball"] });
  assert.deepEqual(await exported(["-o", "type=image,name=app:1"]), { "exporting to image": ATTESTED });
  assert.deepEqual(await exported(["-o", `type=local,${dest("local")}`]), { "exporting to client directory": ["copying files"] });
  assert.deepEqual(await exported(["-o", `type=tar,${dest("files.tar")}`]), { "exporting to client tarball": ["sending tarball"] });
  assert.deepEqual(await exported(["-o", `type=local,${dest("split")}`, "--platform=linux/amd64,linux/arm64"]), { "exporting to client directory": ["copying files linux/amd64", "copying files linux/arm64"] });
  assert.deepEqual(await exported(["-o", `type=oci,${dest("rewritten.tar")},rewrite-timestamp=true`], { SOURCE_DATE_EPOCH: "1" }), {
    "exporting to oci image format": ["exporting layers", "rewriting layers with source-date-epoch 1 (1970-01-01 00:00:01 +0000 UTC)", ...IMAGE.slice(1), "sending tarball"],
  });
  assert.deepEqual(await exported(["-o", `type=oci,${dest("both.tar")}`, "-o", `type=local,${dest("both")}`]), { "exporting to oci image format": [...IMAGE, "sending tarball"], "exporting to client directory": ["copying files"] });
});

test("blobs of a cache are told by what they are, whether the place had them or not", async () => {
  const written = ["preparing build cache for export", "sending cache export", "writing cache image manifest #", "writing config #", "writing layer #"];
  const told = async (to: string): Promise<unknown> => Object.entries(await exported(["-o", "type=cacheonly", "--cache-to", to])).map(([step, parts]) => [step, parts.map((part) => part.replace(/\d+$/, "")).toSorted()]);
  assert.deepEqual(await told(`type=local,dest=${join(place.path, "cache")}`), [["exporting cache to client directory", written]]);
  for (let i = 0; i < 2; i++) assert.deepEqual(await told(`type=registry,ref=${registry.host}/app:cache`), [["exporting cache to registry", written]]);
});

test("an image that an engine takes is told with what the engine says of it", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/info") return void response.end("{}");
    request.resume().once("end", () => response.end(`${[[1, 4], [4, 4]].map(([current, total]) => JSON.stringify({ status: "Loading layer", id: "abc", progressDetail: { current, total } })).join("\r\n")}\r\n{"stream":"Loaded image: app:1\\n"}\r\n`));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const bound = server.address();
    assert.ok(typeof bound === "object" && bound !== null);
    assert.deepEqual(await exported(["--load", "-t", "app:1"], { DOCKER_HOST: `tcp://127.0.0.1:${bound.port}` }), { "exporting to docker image format": [...IMAGE, "sending tarball"], "importing to docker": ["loading layer abc"] });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("an archive goes to standard output no faster than it is read", async () => {
  const [large, gate] = [await makeContext(place, "large", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a".repeat(4_000_000) }), join(place.path, "gate")];
  await place.run(["mkfifo", gate]);
  const wrapper = ["sh", "-c", '"$@" | { cat "$0" >/dev/null; wc -c >&2; }', gate];
  const started = place.start(["build", "--progress=rawjson", "-o", "type=oci,dest=-,compression=uncompressed", large], { wrapper });
  await started.shown(/"sending tarball"/);
  await delay(300);
  const openedMs = Date.now();
  await writeFile(gate, "");
  const { stderr } = await started.ended;
  const told = stderr.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Status);
  const completed = told.flatMap(({ statuses = [] }) => statuses).findLast(({ id }) => id === "sending tarball")?.completed;
  assert.ok(Date.parse(completed ?? "") >= openedMs, `${completed} is before it was read, at ${new Date(openedMs).toISOString()}`);
  assert.match(stderr, /^\d*4\d{6}$/m);
});

test("an interrupted build ends though nobody reads what it has written", async () => {
  const large = await makeContext(place, "unread", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a".repeat(4_000_000) });
  const argv = [process.execPath, COMMAND, "build", "--progress=rawjson", "--root", join(place.path, "unread-root"), "-o", "type=oci,dest=-,compression=uncompressed", large] as const;
  const child = startProcess({ argv, env: { PATH: process.env["PATH"] ?? "", HOME: place.path, ...COMPILE_CACHE } }, ["ignore", "pipe", "pipe"]);
  let told = "";
  const sending = Promise.withResolvers<void>();
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    told += text;
    if (told.includes("sending tarball")) sending.resolve();
  });
  try {
    await sending.promise;
    await delay(300);
    child.kill("SIGINT");
    const [status] = (await once(child, "exit", { signal: AbortSignal.timeout(60_000) })) as [number | null];
    assert.deepEqual([status, told.includes("interrupted")], [130, true], told);
  } finally {
    child.kill("SIGKILL");
    child.stdout?.destroy();
  }
});
