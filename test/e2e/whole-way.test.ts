import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { debianArchive } from "./debian-base.ts";

const PROJECT = join(import.meta.dirname, "whole-way");

/** debootstrap makes devices and changes owners. */
const skip = process.getuid?.() === 0 ? false : "debootstrap needs root";
const step = (title: string, run: () => Promise<void>): void => void test(title, { skip }, run);

let place: Place;
let registry: DockerRegistry;
let base: string;
let image: string;
let context: string;

before(async () => {
  if (skip !== false) return;
  place = await openPlace();
  registry = await startDockerRegistry();
  base = `${registry.host}/test/debian:bookworm`;
  image = `${registry.host}/test/greet:1`;
  context = join(place.path, "greet");
  await cp(PROJECT, context, { recursive: true });
  await makeBase();
});

after(async () => {
  if (skip !== false) return;
  await registry[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

/** The base goes the way of every image: built by us, pushed to a real registry. How small its layer gets is no matter here, and takes longest. */
async function makeBase(): Promise<void> {
  const directory = join(place.path, "base");
  await mkdir(directory);
  await cp(await debianArchive(place), join(directory, "root.tar.gz"));
  await writeFile(join(directory, "Dockerfile"), `FROM scratch\nADD root.tar.gz /\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nCMD ["bash"]\n`);
  const { exitCode, stderr } = await place.stemma(["build", "-o", `type=image,name=${base},push=true,compression-level=1`, "--provenance=false", directory]);
  assert.equal(exitCode, 0, stderr);
}

async function buildGreet(...flags: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await place.stemma(["build", "--progress=plain", "-t", image, "--push", "--provenance=mode=max", "--build-arg", `BASE=${base}`, ...flags, context]);
  assert.equal(exitCode, 0, stderr);
  return stderr;
}

const rootDigest = async (): Promise<string> => (JSON.parse((await place.stemmaHere(["imagetools", "inspect", "--format", "{{ json .Manifest }}", image])).stdout) as { digest: string }).digest;

step("a program is compiled in one stage, copied into the next, and pushed", async () => {
  const log = await buildGreet("--metadata-file", join(place.path, "metadata.json"), "--iidfile", join(place.path, "iid"));
  assert.match(log, /\[build 5\/5\] RUN tcc -o \/greet main\.c greet\.c/);
  const metadata = JSON.parse(await readFile(join(place.path, "metadata.json"), "utf8")) as Record<string, unknown>;
  assert.equal(metadata["image.name"], image);
  assert.equal(metadata["containerimage.digest"], await rootDigest());
  assert.equal(await readFile(join(place.path, "iid"), "utf8"), await rootDigest());
});

step("skopeo reads it", async () => {
  const inspected = JSON.parse(await place.run(["skopeo", "inspect", "--tls-verify=false", `docker://${image}`])) as { Labels: Record<string, string>; Layers: string[] };
  assert.equal(inspected.Labels["org.opencontainers.image.title"], "greet");
  assert.equal(inspected.Layers.length, 4);
});

step("the repository has the tag that was asked for, and no other", async () => {
  const { Tags } = JSON.parse(await place.run(["skopeo", "list-tags", "--tls-verify=false", `docker://${image.replace(/:1$/, "")}`])) as { Tags: string[] };
  assert.deepEqual(Tags, ["1"]);
});

step("umoci unpacks it, and runc runs what it holds", async () => {
  const layout = join(place.path, "layout");
  const bundle = join(place.path, "bundle");
  await place.run(["skopeo", "copy", "--src-tls-verify=false", `docker://${image}`, `oci:${layout}:greet`]);
  await place.run(["umoci", "unpack", "--image", `${layout}:greet`, bundle]);
  await withoutTerminal(join(bundle, "config.json"));
  assert.equal(await place.run(["runc", "run", "--bundle", bundle, `stemma-e2e-${process.pid}`]), "hello, world\n");
  assert.equal(await readFile(join(bundle, "rootfs/etc/greeted"), "utf8"), "hello, builder\n");
});

async function withoutTerminal(path: string): Promise<void> {
  const config = JSON.parse(await readFile(path, "utf8")) as { process: { terminal: boolean } };
  config.process.terminal = false;
  await writeFile(path, JSON.stringify(config));
}

interface Slsa {
  readonly buildDefinition: { readonly resolvedDependencies: ReadonlyArray<{ readonly uri: string }>; readonly externalParameters: { readonly request: { readonly args: Record<string, string> } } };
  readonly runDetails: { readonly metadata: { readonly buildkit_metadata: { readonly layers: Record<string, ReadonlyArray<ReadonlyArray<{ digest: string }>>> } } };
}

step("inspect shows the provenance, and the layers that it names are the image's", async () => {
  const { stdout } = await place.stemmaHere(["imagetools", "inspect", "--format", "{{ json .Provenance.SLSA }}", image]);
  const slsa = JSON.parse(stdout) as Slsa;
  assert.match(slsa.buildDefinition.resolvedDependencies[0]?.uri ?? "", /^pkg:docker\/127\.0\.0\.1%3A\d+\/test\/debian@bookworm\?platform=linux%2Famd64$/);
  assert.equal(slsa.buildDefinition.externalParameters.request.args["build-arg:BASE"], base);
  const manifest = JSON.parse(await place.run(["skopeo", "inspect", "--tls-verify=false", "--raw", `docker://${image}`])) as { manifests: Array<{ digest: string }> };
  const child = JSON.parse(await place.run(["skopeo", "inspect", "--tls-verify=false", "--raw", `docker://${image.replace(/:1$/, "")}@${manifest.manifests[0]?.digest}`])) as { layers: Array<{ digest: string }> };
  const chains = Object.values(slsa.runDetails.metadata.buildkit_metadata.layers).flat().map((chain) => chain.map(({ digest }) => digest));
  const layers = child.layers.map(({ digest }) => digest);
  for (let length = 1; length <= layers.length; length++) assert.ok(chains.some((chain) => JSON.stringify(chain) === JSON.stringify(layers.slice(0, length))), `no step made the first ${length} layers`);
});

step("trace answers for the program's file", async () => {
  const { exitCode, stdout, stderr } = await place.stemmaHere(["trace", image, "--path", "/usr/local/bin/greet"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /COPY --from=build \/greet \/usr\/local\/bin\/greet/);
});

step("a rebuild without change runs no step, makes no new layer, and publishes nothing new", async () => {
  const before = await rootDigest();
  const log = await buildGreet();
  assert.doesNotMatch(log, /hello|RUN[^\n]*\n#\d+ DONE/);
  assert.equal((log.match(/RUN[^\n]*(?:\n[^#][^\n]*)*\n#\d+ CACHED/g) ?? []).length, 2, log);
  assert.equal(await rootDigest(), before);
});

step("a change of one source file runs again what depends on it, and nothing else", async () => {
  await writeFile(join(context, "motd"), "built by stemma, again\n");
  const log = await buildGreet();
  assert.match(log, /\[build 5\/5\] RUN tcc[^\n]*\n#\d+ CACHED/);
  assert.match(log, /COPY motd \/etc\/motd\n#\d+ DONE/);
  assert.match(log, /COPY --from=build[^\n]*\n#\d+ CACHED/);
});
