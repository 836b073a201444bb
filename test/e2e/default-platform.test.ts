import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
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
