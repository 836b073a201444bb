import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openPlace, type Place } from "./command.ts";

const ORIGIN = "https://git.example.com/team/project.git";

interface Record {
  readonly buildDefinition: { readonly resolvedDependencies?: ReadonlyArray<{ readonly uri: string; readonly digest: { readonly sha1?: string } }> };
  readonly runDetails: { readonly metadata: { readonly buildkit_metadata: { readonly vcs?: { readonly revision: string } }; readonly stemma_commit?: { readonly verified: boolean; readonly differing?: number; readonly files: number } } };
}

test("a commit is a material only when the bytes used are the commit's", async () => {
  await using place = await openPlace();
  const { context, commit } = await makeRepository(place);

  const clean = await recordOf(place, context);
  assert.equal(clean.runDetails.metadata.buildkit_metadata.vcs?.revision, commit);
  assert.equal(clean.runDetails.metadata.stemma_commit?.verified, true);
  assert.deepEqual(clean.buildDefinition.resolvedDependencies, [{ uri: ORIGIN, digest: { sha1: commit } }]);

  await writeFile(join(context, "used.txt"), "changed after the commit\n");
  const changed = await recordOf(place, context);
  assert.deepEqual([changed.runDetails.metadata.stemma_commit?.verified, changed.runDetails.metadata.stemma_commit?.differing], [false, 1]);
  assert.equal(changed.buildDefinition.resolvedDependencies, undefined);
  assert.equal(changed.runDetails.metadata.buildkit_metadata.vcs?.revision, commit, "the claim stays, as BuildKit records it");
});

test("what the build does not use does not count against the commit", async () => {
  await using place = await openPlace();
  const { context } = await makeRepository(place);

  await writeFile(join(context, "ignored.log"), "noise");
  assert.equal((await recordOf(place, context)).runDetails.metadata.stemma_commit?.verified, true);
});

test("a user's own label wins over git's, and git's labels are there when asked for", async () => {
  await using place = await openPlace();
  const { context, commit } = await makeRepository(place);

  const layout = join(place.path, "labels");
  const { exitCode, stderr } = await place.stemma(["build", "-o", `type=oci,tar=false,dest=${layout}`, "--label", "org.opencontainers.image.source=mine", context], { env: { BUILDX_GIT_LABELS: "full" } });
  assert.equal(exitCode, 0, stderr);
  const { stdout } = await place.stemma(["imagetools", "inspect", "--format", "{{ json .Image.Config.Labels }}", `oci-layout://${layout}`]);
  assert.deepEqual(JSON.parse(stdout), { "com.docker.image.source.entrypoint": "Dockerfile", "org.opencontainers.image.revision": commit, "org.opencontainers.image.source": "mine" });
});

async function makeRepository(place: Place): Promise<{ context: string; commit: string }> {
  const context = join(place.path, "repository");
  await mkdir(context);
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY used.txt /used.txt\n");
  await writeFile(join(context, "used.txt"), "as committed\n");
  await writeFile(join(context, ".dockerignore"), "*.log\n");
  const git = (...args: readonly string[]): Promise<string> => place.run(["git", "-C", context, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args]);
  await git("init", "-q", "-b", "main");
  await git("remote", "add", "origin", ORIGIN);
  await git("add", ".");
  await git("commit", "-q", "-m", "first");
  return { context, commit: (await git("rev-parse", "HEAD")).trim() };
}

async function recordOf(place: Place, context: string): Promise<Record> {
  const layout = join(place.path, "layout");
  await rm(layout, { recursive: true, force: true });
  const { exitCode, stderr } = await place.stemma(["build", "-o", `type=oci,tar=false,dest=${layout}`, "--provenance=mode=max", context]);
  assert.equal(exitCode, 0, stderr);
  const { stdout } = await place.stemma(["imagetools", "inspect", "--format", "{{ json .Provenance.SLSA }}", `oci-layout://${layout}`]);
  return JSON.parse(stdout) as Record;
}
