import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Manifest } from "../../src/oci/manifest.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { assertNothingRuns } from "./nothing-left.ts";
import { BASE, contextWithBase, makeContext, runSkip } from "./small-base.ts";

/** More files than the disk of a test has room for, whatever their size: their archive fits, their tree never. */
const FILES = 3000;
const INODES = 500;

let place: Place;
let registry: DockerRegistry;
let roots = 0;

before(async () => {
  if (dockerRegistrySkip !== false) return;
  place = await openPlace();
  registry = await startDockerRegistry();
  const many = Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`many/${i}`, `${i}`]));
  const context = await contextWithBase(place, "base-context", { Dockerfile: `${BASE}COPY many /many\nCOPY a /from-base\n`, a: "a\n", ...many });
  await build(context, `${registry.host}/base:1`);
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await place?.[Symbol.asyncDispose]();
});

/** Pushes what is built in a store that has nothing yet, and returns that. */
async function build(context: string, image: string): Promise<string> {
  const root = join(place.path, `root-${roots++}`);
  const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "--push", "--progress=plain", "-t", image, context]);
  assert.equal(exitCode, 0, stderr);
  return root;
}

async function buildText(name: string, dockerfile: string, host = registry.host): Promise<string> {
  const context = await makeContext(place, name, { Dockerfile: dockerfile.replaceAll("BASE", `${registry.host}/base:1`), a: "a\n" });
  return await build(context, `${host}/${name}:1`);
}

/** Digests of the base's layers. */
async function baseLayers(): Promise<readonly string[]> {
  return (await manifestOf("base")).layers.map(({ digest }) => digest);
}

async function manifestOf(name: string): Promise<Manifest> {
  const accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";
  const get = async <T>(reference: string): Promise<T> => (await (await fetch(`http://${registry.host}/v2/${name}/manifests/${reference}`, { headers: { accept } })).json()) as T;
  const { manifests } = await get<{ readonly manifests: ReadonlyArray<{ readonly digest: string }> }>("1");
  return await get<Manifest>(manifests[0]?.digest ?? "");
}

/** What a registry was asked for of these blobs while `act` ran. */
async function askedOf(digests: readonly string[], { requests }: DockerRegistry, act: () => Promise<unknown>): Promise<readonly string[]> {
  const { length } = await requests();
  await act();
  const asked = (await requests()).slice(length);
  return asked.filter((request) => digests.some((digest) => decodeURIComponent(request).includes(digest)));
}

const isFetch = (request: string): boolean => request.startsWith("GET ");

/** Builds and pushes in a store on a disk with room for few files. What is left of it is listed on standard output. */
async function buildOnFewFiles(name: string, dockerfile: string): Promise<CommandRun> {
  const disk = await makeContext(place, `disk-${name}`, {});
  const context = await makeContext(place, name, { Dockerfile: dockerfile.replaceAll("BASE", `${registry.host}/base:1`), a: "a\n" });
  const script = 'mount -t tmpfs -o nr_inodes="$INODES" tmpfs "$DISK" || exit 99; "$@"; status=$?; ls -d "$DISK"/state/layers/layers/*/*; grep -c " $DISK" /proc/self/mounts; exit $status';
  const run = await place.stemma(["build", "--root", join(disk, "state"), "--push", "--progress=plain", "-t", `${registry.host}/${name}:1`, context], { wrapper: ["unshare", "--mount", "sh", "-c", script, "sh"], env: { DISK: disk, INODES: String(INODES) } });
  await assertNothingRuns(disk);
  return run;
}

describe("a build with COPY, ADD and WORKDIR alone, to a registry", { skip: dockerRegistrySkip }, () => {
  test("never writes a tree to disk, not even of a base or a stage that it copies from", { skip: runSkip }, async () => {
    const { exitCode, stdout, stderr } = await buildOnFewFiles("copies", "FROM BASE AS first\nWORKDIR /work\nCOPY a .\nFROM BASE\nCOPY --from=first /many /again\nCOPY --from=first /work/a /from-base /copied/\n");
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /\/tar$/m);
    assert.doesNotMatch(stdout, /\/tree$/m);
    assert.match(stdout, /^1$/m, "only the disk itself is mounted");
  });

  test("is told apart from one with a RUN by that: the tree of this base has no room there", { skip: runSkip }, async () => {
    const { exitCode, stderr } = await buildOnFewFiles("runs", "FROM BASE\nRUN true\n");
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /the disk is full/);
  });

  test("keeps what it copies once, in the layer that it becomes, and no copy of the context", async () => {
    const content = "looked for in every file of the store, ";
    const context = await makeContext(place, "once", { Dockerfile: "FROM scratch\nCOPY file /copied\n", file: content.repeat(5000) });
    await writeFile(join(context, "not-copied"), content);
    const root = await build(context, `${registry.host}/once:1`);
    const holding = globSync("**", { cwd: root, withFileTypes: true }).filter((found) => found.isFile() && readFileSync(join(found.parentPath, found.name)).includes(content));
    assert.deepEqual(holding.map(({ name }) => name), ["tar"]);
  });
});

describe("a base that no step looks into", { skip: dockerRegistrySkip }, () => {
  const WITHOUT_LOOKING = "FROM BASE\nENV a=b\nLABEL c=d\nCOPY --link a /linked/a\nENTRYPOINT [\"/bin/sh\"]\n";

  test("is not fetched: its layers are mounted from where they are in the same registry", async () => {
    const layers = await baseLayers();
    const asked = await askedOf(layers, registry, () => buildText("mounts", WITHOUT_LOOKING));
    assert.deepEqual(asked.filter(isFetch), []);
    const mounted = asked.filter((request) => request.startsWith("POST ") && request.includes("from=base") && request.endsWith(" 201"));
    assert.deepEqual(layers.filter((digest) => !mounted.some((request) => decodeURIComponent(request).includes(digest))), [], asked.join("\n"));
    assert.deepEqual((await manifestOf("mounts")).layers.slice(0, layers.length).map(({ digest }) => digest), layers);
  });

  test("is not touched at all in a repository that has its layers already", async () => {
    const layers = await baseLayers();
    await buildText("there", "FROM BASE\nENV a=b\n");
    const asked = await askedOf(layers, registry, () => buildText("there", "FROM BASE\nENV a=c\n"));
    assert.deepEqual([...new Set(asked.map((request) => request.replace(/ .* /, " ")))], ["HEAD 200"], asked.join("\n"));
  });

  test("goes to another registry in one pass, from the one to the other, and is kept in no store", async () => {
    await using other = await startDockerRegistry();
    const layers = await baseLayers();
    let root = "";
    const asked = await askedOf(layers, registry, async () => (root = await buildText("elsewhere", WITHOUT_LOOKING, other.host)));
    assert.deepEqual(asked.filter(isFetch).length, layers.length, asked.join("\n"));
    const kept = globSync("blobs/sha256/*", { cwd: root }).filter((path) => layers.some((digest) => path.endsWith(digest.replace("sha256:", ""))));
    assert.deepEqual(kept, []);
  });

  test("is fetched once for a COPY that has to know what is at its place, and still mounted", async () => {
    const layers = await baseLayers();
    const asked = await askedOf(layers, registry, () => buildText("looks", "FROM BASE\nCOPY a /into/a\nCOPY a /into/b\n"));
    assert.equal(asked.filter(isFetch).length, layers.length, asked.join("\n"));
    assert.equal(asked.filter((request) => request.startsWith("POST ") && request.endsWith(" 201")).length, layers.length, asked.join("\n"));
  });
});
