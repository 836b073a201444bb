import assert from "node:assert/strict";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openPlace, type Place } from "./command.ts";

const ORIGIN = "https://git.example.com/team/project.git";
const REVISION = "org.opencontainers.image.revision";

interface Record {
  readonly buildDefinition: { readonly resolvedDependencies?: ReadonlyArray<{ readonly uri: string; readonly digest: { readonly sha1?: string } }> };
  readonly runDetails: {
    readonly builder: { readonly id: string };
    readonly metadata: {
      readonly buildkit_metadata: { readonly vcs?: { readonly revision: string } };
      readonly stemma_inputs?: ReadonlyArray<{ readonly name: string; readonly digest: { readonly sha256: string } }>;
      readonly stemma_commit?: CommitVerdict;
      readonly stemma_builder?: unknown;
    };
  };
}

interface CommitVerdict {
  readonly verified: boolean;
  readonly unchecked?: string;
  readonly files?: number;
  readonly differing?: number;
  readonly differences?: ReadonlyArray<{ readonly path: string; readonly reason: string }>;
}

test("a commit is a material only when the bytes used are the commit's", async () => {
  await using place = await openPlace();
  const { context, commit } = await makeRepository(place);

  const clean = await recordOf(place, context);
  assert.equal(clean.runDetails.metadata.buildkit_metadata.vcs?.revision, commit);
  assert.deepEqual(clean.runDetails.metadata.stemma_commit, { digest: { sha1: commit }, verified: true, check: "tree", files: 3 });
  assert.deepEqual(clean.buildDefinition.resolvedDependencies, [{ uri: ORIGIN, digest: { sha1: commit } }]);

  await writeFile(join(context, "used.txt"), "changed after the commit\n");
  const changed = await recordOf(place, context);
  assert.deepEqual(changed.runDetails.metadata.stemma_commit, {
    digest: { sha1: commit }, verified: false, check: "tree", files: 3, differing: 1, differences: [{ path: "used.txt", reason: "other content" }],
  });
  assert.equal(changed.buildDefinition.resolvedDependencies, undefined);
  assert.equal(changed.runDetails.metadata.buildkit_metadata.vcs?.revision, commit, "the claim stays, as BuildKit records it");
  const inputs = (record: Record): readonly string[] | undefined => record.runDetails.metadata.stemma_inputs?.map(({ name, digest }) => `${name} ${digest.sha256}`);
  assert.equal(inputs(clean)?.length, inputs(changed)?.length);
  assert.notDeepEqual(inputs(clean), inputs(changed), "what was used is named by its content whatever git says");
});

test("without a remote the verdict stands by itself, since nobody could look the material up", async () => {
  await using place = await openPlace();
  const { context, git } = await makeRepository(place);

  await git("remote", "remove", "origin");
  const record = await recordOf(place, context);
  assert.equal(record.runDetails.metadata.stemma_commit?.verified, true);
  assert.equal(record.buildDefinition.resolvedDependencies, undefined);
});

test("what the build does not use does not count against the commit, and what it took does", async () => {
  await using place = await openPlace();
  const { context } = await makeRepository(place);

  await writeFile(join(context, "ignored.log"), "noise");
  await writeFile(join(context, "unused.txt"), "changed");
  await writeFile(join(context, "untracked"), "x");
  assert.equal((await recordOf(place, context)).runDetails.metadata.stemma_commit?.verified, true);

  await mkdir(join(context, "dir"), { recursive: true });
  await writeFile(join(context, "dir/untracked"), "x");
  await rm(join(context, "dir/a"));
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY dir /dir\n");
  assert.deepEqual((await recordOf(place, context)).runDetails.metadata.stemma_commit?.differences, [
    { path: "Dockerfile", reason: "other content" }, { path: "dir/a", reason: "missing" }, { path: "dir/untracked", reason: "not in the commit" },
  ]);
});

test("a record of mode=min counts the differences, and one of mode=max names a hundred of them", async () => {
  await using place = await openPlace();
  const { context } = await makeRepository(place);

  for (let i = 0; i < 150; i++) await writeFile(join(context, `dir/new${i}`), "x");
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY dir /dir\n");
  const { differences, ...min } = verdictOf(await recordOf(place, context, { args: ["--provenance=mode=min"] }));
  assert.deepEqual([min.differing, differences], [151, undefined]);
  const max = verdictOf(await recordOf(place, context));
  assert.deepEqual([max.differing, max.differences?.length], [151, 100]);
});

test("the revision says -dirty when that is asked for and a used file differs, and not for what the build never saw", async () => {
  await using place = await openPlace();
  const { context, commit, git } = await makeRepository(place);
  const env = { BUILDX_GIT_CHECK_DIRTY: "1", BUILDX_GIT_LABELS: "1" };

  await writeFile(join(context, "ignored.log"), "noise");
  await writeFile(join(context, "unused.txt"), "changed");
  assert.notEqual(await git("status", "--porcelain", "--ignored"), "");
  assert.deepEqual(await revisionsOf(place, context, { env }), [commit, commit]);

  await writeFile(join(context, "used.txt"), "changed\n");
  assert.deepEqual(await revisionsOf(place, context, { env }), [`${commit}-dirty`, `${commit}-dirty`]);
  assert.deepEqual(await revisionsOf(place, context, { env: { BUILDX_GIT_LABELS: "1" } }), [commit, commit], "not asked");
  assert.deepEqual(await revisionsOf(place, context, { env, args: ["--label", `${REVISION}=${commit}`] }), [`${commit}-dirty`, commit], "a label of the user stays");
});

test("a user's own label wins over git's, and git's labels are there when asked for", async () => {
  await using place = await openPlace();
  const { context, commit } = await makeRepository(place);

  const { labels } = await buildOf(place, context, { env: { BUILDX_GIT_LABELS: "full" }, args: ["--label", "org.opencontainers.image.source=mine"] });
  assert.deepEqual(labels, { "com.docker.image.source.entrypoint": "Dockerfile", [REVISION]: commit, "org.opencontainers.image.source": "mine" });
});

test("a record without git's facts names no commit, verified or not", async () => {
  await using place = await openPlace();
  const { context } = await makeRepository(place);

  const { record } = await buildOf(place, context, { env: { BUILDX_GIT_INFO: "0", BUILDX_GIT_LABELS: "1" } });
  assert.deepEqual([record.runDetails.metadata.stemma_commit, record.runDetails.metadata.buildkit_metadata.vcs, record.buildDefinition.resolvedDependencies], [undefined, undefined, undefined]);
});

test("files of submodules, of git-lfs and behind links are the commit's as well", async () => {
  await using place = await openPlace();
  const { context, git } = await makeRepository(place);
  const library = await makeRepository(place, "library");
  await git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.context, "vendor");
  await writeFile(join(context, ".gitattributes"), "*.bin filter=lfs -text\n");
  const content = "large\n";
  await writeFile(join(context, "pointer"), `version https://git-lfs.github.com/spec/v1\noid sha256:${(await place.run(["sha256sum"], { input: content })).slice(0, 64)}\nsize ${content.length}\n`);
  await git("update-index", "--add", "--cacheinfo", `100644,${(await git("hash-object", "-w", "pointer")).trim()},a.bin`);
  await symlink("vendor/dir", join(context, "way"));
  await rm(join(context, "pointer"));
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY vendor/used.txt way/a a.bin /x/\n");
  await git("add", "Dockerfile", ".gitattributes", "way");
  await git("commit", "-q", "-m", "second");
  await writeFile(join(context, "a.bin"), content);

  assert.deepEqual(verdictOf(await recordOf(place, context)).differences, undefined);
  await library.git("commit", "-q", "--allow-empty", "-m", "newer");
  await writeFile(join(context, "vendor/used.txt"), "changed\n");
  assert.deepEqual(verdictOf(await recordOf(place, context)).differences, [{ path: "vendor/used.txt", reason: "other content" }]);
});

test("a repository that git refuses is not checked, and said so in the record and to the user", { skip: process.getuid?.() === 0 ? false : "only root can give files away" }, async () => {
  await using place = await openPlace();
  const { context } = await makeRepository(place);

  await place.run(["chown", "-R", "1234:1234", context]);
  const { record, stderr } = await buildOf(place, context);
  assert.deepEqual(record.runDetails.metadata.stemma_commit, { verified: false, unchecked: "refused" });
  assert.deepEqual([record.runDetails.metadata.buildkit_metadata.vcs, record.buildDefinition.resolvedDependencies], [undefined, undefined]);
  assert.match(stderr, /WARNING: current commit information was not captured by the build: .*(?:dubious ownership|unsafe repository)/);
});

test("a commit whose objects are damaged is not checked, and counts as dirty", async () => {
  await using place = await openPlace();
  const { context, commit, git } = await makeRepository(place);

  const tree = (await git("rev-parse", "HEAD^{tree}")).trim();
  const path = join(context, ".git/objects", tree.slice(0, 2), tree.slice(2));
  await rm(path);
  const { record, stderr } = await buildOf(place, context, { env: { BUILDX_GIT_CHECK_DIRTY: "1" } });
  assert.deepEqual(record.runDetails.metadata.stemma_commit, { digest: { sha1: commit }, verified: false, unchecked: "object-missing" });
  assert.equal(record.runDetails.metadata.buildkit_metadata.vcs?.revision, `${commit}-dirty`);
  assert.match(stderr, new RegExp(`WARNING: the files of this build were not compared with commit ${commit}: tree ${tree} is not in the repository`));
});

test("a workflow of a CI system is the builder, whichever run it is, and equal builds have equal records", async () => {
  await using place = await openPlace();
  const { context } = await makeRepository(place);
  const github = { GITHUB_ACTIONS: "true", GITHUB_SERVER_URL: "https://github.com", GITHUB_WORKFLOW_REF: "o/r/.github/workflows/x.yml@refs/heads/main", GITHUB_REPOSITORY: "o/r" };

  const first = await buildOf(place, context, { env: { ...github, GITHUB_RUN_ID: "1", GITHUB_RUN_ATTEMPT: "1" } });
  const second = await buildOf(place, context, { env: { ...github, GITHUB_RUN_ID: "2", GITHUB_RUN_ATTEMPT: "3" } });
  assert.equal(first.record.runDetails.builder.id, "https://github.com/o/r/.github/workflows/x.yml@refs/heads/main");
  assert.deepEqual(first.record.runDetails.metadata.stemma_builder, { basis: "environment" });
  assert.equal(first.index, second.index);
  const named = await recordOf(place, context, { env: github, args: ["--provenance=mode=max,builder-id=https://mine"] });
  assert.deepEqual([named.runDetails.builder.id, named.runDetails.metadata.stemma_builder], ["https://mine", undefined]);
  const nobody = await recordOf(place, context);
  assert.deepEqual([nobody.runDetails.builder.id, nobody.runDetails.metadata.stemma_builder], ["", undefined]);
});

interface Repository {
  readonly context: string;
  readonly commit: string;
  readonly git: (...args: readonly string[]) => Promise<string>;
}

async function makeRepository(place: Place, name = "repository"): Promise<Repository> {
  const context = join(place.path, name);
  await mkdir(join(context, "dir"), { recursive: true });
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY used.txt /used.txt\n");
  for (const file of ["used.txt", "unused.txt", "dir/a", "dir/b"]) await writeFile(join(context, file), "as committed\n");
  await writeFile(join(context, ".dockerignore"), "*.log\n");
  await writeFile(join(context, ".gitignore"), "*.log\n");
  const git = (...args: readonly string[]): Promise<string> => place.run(["git", "-C", context, "-c", "user.name=t", "-c", "user.email=t@example.com", ...args]);
  await git("init", "-q", "-b", "main");
  await git("remote", "add", "origin", ORIGIN);
  await git("add", ".");
  await git("commit", "-q", "-m", "first");
  return { context, git, commit: (await git("rev-parse", "HEAD")).trim() };
}

interface BuildOptions {
  readonly env?: Readonly<{ [name: string]: string }>;
  readonly args?: readonly string[];
}

interface Built {
  readonly record: Record;
  readonly labels: Readonly<{ [key: string]: string }> | undefined;
  /** Digest of what the layout's index names. */
  readonly index: string;
  readonly stderr: string;
}

async function buildOf(place: Place, context: string, { env = {}, args = ["--provenance=mode=max"] }: BuildOptions = {}): Promise<Built> {
  const layout = join(place.path, "layout");
  await rm(layout, { recursive: true, force: true });
  const provenance = args.some((arg) => arg.startsWith("--provenance")) ? [] : ["--provenance=mode=max"];
  const { exitCode, stderr } = await place.stemmaHere(["build", "-o", `type=oci,tar=false,dest=${layout}`, ...provenance, ...args, context], { env });
  assert.equal(exitCode, 0, stderr);
  const inspect = async (template: string): Promise<unknown> => JSON.parse((await place.stemmaHere(["imagetools", "inspect", "--format", template, `oci-layout://${layout}`])).stdout);
  const { manifests: [root] } = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as { manifests: [{ digest: string }] };
  return {
    record: (await inspect("{{ json .Provenance.SLSA }}")) as Record,
    labels: (await inspect("{{ json .Image.Config.Labels }}")) as Built["labels"],
    index: root.digest,
    stderr,
  };
}

async function recordOf(place: Place, context: string, options?: BuildOptions): Promise<Record> {
  return (await buildOf(place, context, options)).record;
}

/** Of the record, and of the image's label. */
async function revisionsOf(place: Place, context: string, options: BuildOptions): Promise<ReadonlyArray<string | undefined>> {
  const { record, labels } = await buildOf(place, context, options);
  return [record.runDetails.metadata.buildkit_metadata.vcs?.revision, labels?.[REVISION]];
}

function verdictOf(record: Record): CommitVerdict {
  const verdict = record.runDetails.metadata.stemma_commit;
  assert.ok(verdict !== undefined);
  return verdict;
}
