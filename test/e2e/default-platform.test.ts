import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
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
