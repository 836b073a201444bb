import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

const has = (name: string): boolean => existsSync(`/usr/bin/${name}`);

let place: Place;
let context: string;

before(async () => {
  place = await openPlace();
  context = await makeContext(place, "context", { Dockerfile: "FROM scratch\nCOPY a big /d/\nCOPY a /e\n", a: "a\n", big: Buffer.alloc(5 * 1024 * 1024, "big ") });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

interface LayoutManifest {
  readonly layers: ReadonlyArray<{ readonly mediaType: string; readonly annotations?: Readonly<Record<string, string>> }>;
}

async function build(...flags: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await place.stemmaHere(["build", "--provenance=false", ...flags, context]);
  assert.equal(exitCode, 0, stderr);
}

async function layout(name: string, ...flags: readonly string[]): Promise<{ readonly path: string; readonly digest: string; readonly manifest: LayoutManifest }> {
  const path = join(place.path, name);
  await build(...flags, "-o", `type=oci,tar=false,dest=${path},name=x:1,compression=estargz`);
  const { manifests } = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as { manifests: Array<{ digest: string }> };
  const digest = manifests[0]?.digest ?? "";
  return { path, digest, manifest: JSON.parse(readFileSync(join(path, "blobs", digest.replace(":", "/")), "utf8")) as LayoutManifest };
}

test("layers of files that can be had alone say where their table is, and the same build gives the same ones", async () => {
  const first = await layout("first");
  assert.deepEqual(first.manifest.layers.map(({ mediaType }) => mediaType), Array<string>(2).fill("application/vnd.oci.image.layer.v1.tar+gzip"));
  for (const { annotations } of first.manifest.layers) {
    assert.match(annotations?.["containerd.io/snapshot/stargz/toc.digest"] ?? "", /^sha256:[0-9a-f]{64}$/);
    assert.match(annotations?.["io.containers.estargz.uncompressed-size"] ?? "", /^\d+$/);
  }
  assert.equal((await layout("cached")).digest, first.digest);
});

test("rewritten times are those of the table too, from an empty store as well", async () => {
  const flags = ["--build-arg", "SOURCE_DATE_EPOCH=1400000000"];
  const digests = [];
  for (const name of ["one", "two"]) {
    const path = join(place.path, name);
    await build(...flags, "--root", join(place.path, `root-${name}`), "-o", `type=oci,tar=false,dest=${path},name=x:1,compression=estargz,rewrite-timestamp=true`);
    digests.push((JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as { manifests: Array<{ digest: string }> }).manifests[0]?.digest);
  }
  assert.equal(digests[0], digests[1]);
});

test("umoci, which checks the diff ids, unpacks them", { skip: has("umoci") ? false : "umoci is not installed" }, async () => {
  const { path } = await layout("umoci");
  const bundle = join(place.path, "bundle");
  await place.run(["umoci", "unpack", ...(process.geteuid?.() === 0 ? [] : ["--rootless"]), "--image", `${path}:1`, bundle]);
  assert.deepEqual(readdirSync(join(bundle, "rootfs/d")).toSorted(), ["a", "big"]);
  assert.equal(readFileSync(join(bundle, "rootfs/d/big")).length, 5 * 1024 * 1024);
});

test("a registry takes them, skopeo copies them, and we build on them", { skip: dockerRegistrySkip || (has("skopeo") ? false : "skopeo is not installed") }, async () => {
  await using registry = await startDockerRegistry();
  await build("-o", `type=registry,name=${registry.host}/x:1,compression=estargz`);
  await place.run(["skopeo", "copy", "--insecure-policy", "--src-tls-verify=false", `docker://${registry.host}/x:1`, `oci:${join(place.path, "copied")}:1`]);
  const on = await makeContext(place, "on", { Dockerfile: `FROM ${registry.host}/x:1\nCOPY --from=0 /d/a /f\n`.replace("--from=0", `--from=${registry.host}/x:1`) });
  const out = join(place.path, "out");
  const { exitCode, stderr } = await place.stemmaHere(["build", "--provenance=false", "-o", out, on]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(readFileSync(join(out, "f"), "utf8"), "a\n");
});

test("caches have them too, and give them to later builds as they are, without the table among the files", async () => {
  const descriptors = (path: string): ReadonlyArray<{ readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }> => {
    const read = (digest: string): { layers?: []; manifests?: Array<{ digest: string }> } => JSON.parse(readFileSync(join(path, "blobs", digest.replace(":", "/")), "utf8")) as ReturnType<typeof read>;
    const { manifests: [top] } = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as { manifests: Array<{ digest: string }> };
    return read(top?.digest ?? "").layers ?? [];
  };
  const [cache, inline, out] = ["cache", "inline", "from-cache"].map((name) => join(place.path, name));
  await build("--root", join(place.path, "root-first"), "-o", `type=oci,tar=false,dest=${inline},name=x:1,compression=estargz`, "--cache-to", "type=inline", "--cache-to", `type=local,dest=${cache},compression=estargz`);
  const exported = descriptors(cache ?? "");
  assert.deepEqual(Object.keys(exported[0]?.annotations ?? {}), ["buildkit/createdat", "containerd.io/snapshot/stargz/toc.digest", "containerd.io/uncompressed", "io.containers.estargz.uncompressed-size"]);
  const again = join(place.path, "again");
  const { exitCode, stderr } = await place.stemmaHere(["build", "--provenance=false", "--progress=plain", "--root", join(place.path, "root-second"), "--cache-from", `type=local,src=${cache}`, "-o", `type=oci,tar=false,dest=${again},name=x:1`, "-o", `type=local,dest=${out}`, context]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(new Set(stderr.match(/^#\d+ CACHED$/gm)).size, 2, stderr);
  assert.deepEqual(readdirSync(out ?? "").toSorted(), ["d", "e"]);
  const bytes = (layers: typeof exported): unknown => layers.map(({ digest, annotations }) => `${digest} ${annotations?.["containerd.io/snapshot/stargz/toc.digest"]}`).toSorted();
  assert.deepEqual(bytes(descriptors(again)), bytes(exported));
  assert.deepEqual(bytes(descriptors(inline ?? "")), bytes(exported));
});

test("Docker's media types, which could not name the table, are refused with the reason", async () => {
  const { exitCode, stderr } = await place.stemmaHere(["build", "-o", "type=oci,dest=x.tar,compression=estargz,oci-mediatypes=false", context]);
  assert.equal(exitCode, 64, stderr);
  assert.match(stderr, /conflicts with "oci-mediatypes=false"/);
});
