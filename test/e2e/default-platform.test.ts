import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { digestOf } from "../../src/content/digest.ts";
import type { ImageIndex } from "../../src/oci/manifest.ts";
import { MEDIA_TYPE } from "../../src/oci/media-type.ts";
import { LayoutDirectory } from "../../src/testing/layout-directory.ts";
import { openPlace } from "./command.ts";

test("DOCKER_DEFAULT_PLATFORM is for who names no platform", async () => {
  await using place = await openPlace();
  await mkdir(join(place.path, "c"));
  await writeFile(join(place.path, "c/Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
  const architecture = async (...flags: readonly string[]): Promise<unknown> => {
    const { exitCode, stderr } = await place.stemmaHere(["build", "--provenance=false", "-o", `type=oci,tar=false,dest=out${flags.length}`, ...flags, "c"], { env: { DOCKER_DEFAULT_PLATFORM: "linux/riscv64" } });
    assert.equal(exitCode, 0, stderr);
    const { stdout } = await place.stemmaHere(["imagetools", "inspect", "--format", "{{ json .Image }}", `oci-layout://out${flags.length}`]);
    return (JSON.parse(stdout) as { architecture?: unknown }).architecture;
  };
  assert.equal(await architecture(), "riscv64");
  assert.equal(await architecture("--platform=linux/arm64"), "arm64");
});

test("an image is for the platform that it was built for, whichever processor its base asks for", { skip: process.arch === "x64" ? false : "the base is for another machine" }, async () => {
  await using place = await openPlace();
  await mkdir(join(place.path, "c"));
  const build = async (dockerfile: string, to: string, ...flags: readonly string[]): Promise<unknown> => {
    await writeFile(join(place.path, "c/Dockerfile"), dockerfile);
    const { exitCode, stderr } = await place.stemmaHere(["build", "--provenance=false", "-o", `type=oci,tar=false,dest=${to}`, ...flags, "c"]);
    assert.equal(exitCode, 0, stderr);
    return (JSON.parse(await readFile(join(place.path, to, "index.json"), "utf8")) as { manifests: ReadonlyArray<{ platform?: unknown }> }).manifests[0]?.platform;
  };
  assert.deepEqual(await build("FROM scratch\nCOPY Dockerfile /\n", "base", "--platform=linux/amd64/v2"), { architecture: "amd64", os: "linux", variant: "v2" });
  assert.deepEqual(await build("FROM base\nCOPY Dockerfile /again\n", "out", "--build-context=base=oci-layout://base"), { architecture: "amd64", os: "linux" });
});

test("of Windows, an image is for the version of its base, alone and among others", async () => {
  await using place = await openPlace();
  using base = new LayoutDirectory();
  await mkdir(join(place.path, "c"));
  await writeFile(join(place.path, "c/Dockerfile"), "FROM base\nCOPY Dockerfile /again\n");
  const tar = Buffer.alloc(1024);
  const layers = [base.add(MEDIA_TYPE.ociLayerGzip, gzipSync(tar))];
  const config = base.add(MEDIA_TYPE.ociConfig, { architecture: "amd64", os: "windows", "os.version": "10.0.17763.1", config: {}, rootfs: { type: "layers", diff_ids: [digestOf(tar)] } });
  base.tag(base.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers }), "latest");
  const platformsIn = async (to: string, ...flags: readonly string[]): Promise<readonly unknown[]> => {
    const { exitCode, stderr } = await place.stemmaHere(["build", "--provenance=false", "-o", `type=oci,tar=false,dest=${to}`, "--platform=windows/amd64", `--build-context=base=oci-layout://${base.path}`, ...flags, "c"]);
    assert.equal(exitCode, 0, stderr);
    const read = async (file: string): Promise<Partial<ImageIndex>> => JSON.parse(await readFile(join(place.path, to, file), "utf8")) as Partial<ImageIndex>;
    const [root] = (await read("index.json")).manifests ?? [];
    const { manifests = [root] } = await read(`blobs/${root?.digest.replace(":", "/")}`);
    return manifests.map((entry) => entry?.platform);
  };
  const expected = [{ architecture: "amd64", os: "windows", "os.version": "10.0.17763.1" }];
  assert.deepEqual(await platformsIn("alone"), expected);
  assert.deepEqual(await platformsIn("index", "--build-arg=BUILDKIT_MULTI_PLATFORM=1"), expected);
});
