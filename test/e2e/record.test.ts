import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BuildError, type BuildOutcome } from "../../src/doors/build.ts";
import { parseRfc3339 } from "../../src/content/timestamp.ts";
import { openHistory, type BuildRecord } from "../../src/doors/history.ts";
import { openStateDatabase } from "../../src/store/state-database.ts";
import { startFakeRegistry } from "../../src/testing/fake-registry.ts";
import { pushedIndex, type PushedIndex } from "./records.ts";
import { finished, openWorkshop, runSkip, type Files, type Workshop } from "./workshop.ts";

let workshop: Workshop;

before(async () => {
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

test("complete-materials=true fails a build whose local directories nobody else can look up, before anything is written", async () => {
  const out = join(workshop.path, "never");
  const outputs = [`type=local,dest=${out}`, `type=oci,dest=${out}.tar`, "type=image"];
  const failure: unknown = await workshop.build("FROM scratch\nCOPY a /a\n", { files: { a: "a\n" }, outputs, provenance: "mode=max,complete-materials=true,inline-only=true" }).catch((error: unknown) => error);
  assert.ok(failure instanceof BuildError);
  assert.equal(failure.code, "verification");
  assert.equal(failure.message, "failed to solve: provenance materials are incomplete\n\nThe build requested complete provenance materials, but not all dependencies could be captured.\n\nUncaptured local sources:\n  - context\n    reason: local_source\n  - dockerfile\n    reason: local_source");
  assert.ok(!existsSync(out) && !existsSync(`${out}.tar`));
});

test("complete-materials=true lets a build through all of whose inputs have a name", async () => {
  const directory = await workshop.directory({ Dockerfile: "FROM scratch\nCOPY a /a\n", a: "a\n" });
  const { stdout } = spawnSync("tar", ["-C", directory, "-c", "Dockerfile", "a"]);
  const { dockerfile: _, ...request } = await workshop.request("", { provenance: "mode=max,complete-materials=true" });
  await finished({ ...request, context: { archive: (async function* () { yield stdout; })() } });
});

const EPOCH = "1600000000";

function git({ env }: Workshop, directory: string, ...args: readonly string[]): void {
  const fixed = { GIT_AUTHOR_DATE: "2020-01-01T00:00:00Z", GIT_COMMITTER_DATE: "2020-01-01T00:00:00Z" };
  const { status, stderr } = spawnSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: directory, env: { ...env, ...fixed }, encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** A history of one commit, the same wherever it is made. */
async function repository(work: Workshop, files: Files): Promise<string> {
  const directory = await work.directory(files);
  git(work, directory, "init", "--quiet", "--initial-branch=main");
  git(work, directory, "remote", "add", "origin", "https://example.com/a/b.git");
  git(work, directory, "add", "--all");
  git(work, directory, "commit", "--quiet", "--message=one");
  return directory;
}

const FILES = { Dockerfile: "FROM base\nARG WHO=nobody\nCOPY a /a\nRUN echo $WHO > /made && chown 7:8 /made\n", a: "a\n", ".dockerignore": "*.log\n" };

/** One machine's build, to its last byte: other paths, other home, another state, another time. */
async function onAnotherMachine(options: { readonly platforms?: readonly string[]; readonly sbom?: string; readonly provenance?: string }): Promise<BuildOutcome> {
  // The base is the same one: what lies in it has times.
  await using machine = await openWorkshop(workshop.base);
  const context = await repository(machine, FILES);
  const { dockerfile: _, ...request } = await machine.request("", { context, outputs: [`type=oci,tar=false,dest=${join(machine.path, "out")},name=app:1,rewrite-timestamp=true`], buildArgs: { SOURCE_DATE_EPOCH: EPOCH, WHO: "me" }, workingDirectory: machine.path, ...options });
  return (await finished(request)).outcome;
}

describe("with SOURCE_DATE_EPOCH, two machines come to the same index, bit for bit", () => {
  for (const [what, options] of [["of a small record, with a line map and an SBOM of the other format", { provenance: "mode=min", sbom: "format=cyclonedx" }], ["of a full record", { provenance: "mode=max" }], ["of an older shape, with an SBOM", { provenance: "mode=max,version=v0.2", sbom: "true" }]] as const) {
    test(what, { skip: runSkip }, async () => {
      const [one, other] = [await onAnotherMachine(options), await onAnotherMachine(options)];
      assert.equal(one.image?.mediaType, "application/vnd.oci.image.index.v1+json");
      assert.equal(one.image.digest, other.image?.digest);
      assert.notEqual(one.ref, other.ref);
    });
  }

  test("and the record has that time, and an id that follows from what it says", async () => {
    await using registry = await startFakeRegistry();
    const pushed = async (tag: string, who: string): Promise<PushedIndex> => {
      await workshop.build("FROM scratch\nARG WHO\nLABEL who=$WHO\nCOPY a /a\n", { files: { a: "a\n" }, push: true, tags: [`${registry.host}/app:${tag}`], platforms: ["linux/amd64", "linux/arm64"], buildArgs: { SOURCE_DATE_EPOCH: EPOCH, WHO: who } });
      return await pushedIndex(registry.host, "app", tag);
    };
    const ids = async (tag: string, who: string): Promise<readonly unknown[]> => (await pushed(tag, who)).statements.map(({ predicate }) => predicate.runDetails.metadata["invocationId"]);
    const { statements } = await pushed("1", "me");
    assert.deepEqual(statements.map(({ predicate: { runDetails: { metadata } } }) => [metadata["startedOn"], metadata["finishedOn"]]), Array(2).fill(["2020-09-13T12:26:40Z", "2020-09-13T12:26:40Z"]));
    const [id, same] = await ids("1", "me");
    assert.match(String(id), /^[0-9a-z]{25}$/);
    assert.equal(id, same, "all platforms of a build have one id");
    assert.notEqual((await ids("1", "you"))[0], id, "another image has another id");
  });
});

async function push(registry: { readonly host: string }, options: { readonly attestRun?: "always" | "changed"; readonly provenance?: string } = {}): Promise<{ readonly outcome: BuildOutcome; readonly digest: string }> {
  const { outcome } = await workshop.build("FROM scratch\nCOPY a /a\n", { files: { a: "a\n" }, push: true, tags: [`${registry.host}/app:1`], provenance: "mode=max", ...options });
  return { outcome, digest: (await pushedIndex(registry.host, "app", "1")).digest };
}

function stateOf({ root }: Workshop): ReadonlyArray<readonly [string, string]> {
  using state = openStateDatabase(join(root, "state.db"));
  return state.cacheRecords();
}

async function runOf({ ref }: BuildOutcome): Promise<BuildRecord> {
  await using history = openHistory(workshop.root);
  const record = history?.builds.list().find((each) => each.ref === ref);
  assert.ok(record !== undefined, `no run ${ref}`);
  return record;
}

const provenanceOf = ({ attachments }: BuildRecord): readonly string[] => attachments.flatMap(({ type, digest }) => (type === "provenance" ? [digest] : []));

test("a record says of all steps what they made, also where what is remembered of one is gone", { skip: runSkip }, async () => {
  const output = `type=oci,tar=false,dest=${join(workshop.path, "remembered")},name=app:1,rewrite-timestamp=true`;
  const dockerfile = "FROM base\nCOPY a /a\nRUN echo 1 > /one\nRUN echo 2 > /two\nRUN echo 3 > /three\n";
  const built = async (): Promise<string | undefined> => (await workshop.build(dockerfile, { files: { a: "a\n" }, buildContexts: { base: `oci-layout://${workshop.base}` }, outputs: [output], provenance: "mode=max", buildArgs: { SOURCE_DATE_EPOCH: EPOCH } })).outcome.image?.digest;
  const before = new Map(stateOf(workshop).map(([key]) => [key, true]));
  const digest = await built();
  const records = stateOf(workshop).filter(([key]) => !before.has(key));
  assert.ok(records.length >= 4);
  for (const [key, value] of records) {
    using state = openStateDatabase(join(workshop.root, "state.db"));
    state.removeCacheRecord(key, value);
    assert.equal(await built(), digest);
  }
});

describe("a record that would say nothing new", () => {
  test("is the earlier one, and the run goes to the history", async () => {
    await using registry = await startFakeRegistry();
    const [first, second] = [await push(registry), await push(registry)];
    assert.equal(second.digest, first.digest);
    const [one, other] = [await runOf(first.outcome), await runOf(second.outcome)];
    assert.equal(provenanceOf(one).length, 1);
    assert.deepEqual(provenanceOf(other), provenanceOf(one));
    const times = [one.startedAt, one.completedAt, other.startedAt].map(parseRfc3339);
    assert.deepEqual(times, times.toSorted((a, b) => (a < b ? -1 : 1)));
  });

  test("is none where the commit is another one: all statements about one image are kept, and each commit's is found again", async () => {
    await using registry = await startFakeRegistry();
    const context = await repository(workshop, { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "a\n", unused: "1\n" });
    const { dockerfile: _, ...request } = await workshop.request("", { context, push: true, tags: [`${registry.host}/app:1`], attestStore: "referrers" });
    const buildAt = async (revision: string): Promise<BuildOutcome> => {
      git(workshop, context, "checkout", "--quiet", revision);
      return (await finished(request)).outcome;
    };
    await writeFile(join(context, "unused"), "2\n");
    git(workshop, context, "commit", "--quiet", "--all", "--message=two");
    const [first, second, again] = [await buildAt("main~1"), await buildAt("main"), await buildAt("main~1")];
    assert.deepEqual([second.image?.digest, again.image?.digest], [first.image?.digest, first.image?.digest]);
    const referrers = (await (await fetch(`http://${registry.host}/v2/app/referrers/${first.image?.digest}`)).json()) as { readonly manifests: readonly unknown[] };
    assert.equal(referrers.manifests.length, 2);
    assert.notDeepEqual(provenanceOf(await runOf(second)), provenanceOf(await runOf(first)));
    assert.deepEqual(provenanceOf(await runOf(again)), provenanceOf(await runOf(first)));
  });

  test("is none where it says something else: its id and times are then its own run's", async () => {
    await using registry = await startFakeRegistry();
    const metadataOf = async (): Promise<Readonly<Record<string, unknown>>> => (await pushedIndex(registry.host, "app", "1")).statements[0]?.predicate.runDetails.metadata ?? {};
    await push(registry);
    const full = await metadataOf();
    const { outcome } = await push(registry, { provenance: "mode=min" });
    const small = await metadataOf();
    assert.notEqual(small["invocationId"], full["invocationId"]);
    assert.equal(small["invocationId"], outcome.ref.slice("stemma/stemma/".length));
  });

  test("is written anew in each run if asked for", async () => {
    await using registry = await startFakeRegistry();
    const [first, second] = [await push(registry, { attestRun: "always" }), await push(registry, { attestRun: "always" })];
    assert.notEqual(second.digest, first.digest);
    assert.notDeepEqual(provenanceOf(await runOf(second.outcome)), provenanceOf(await runOf(first.outcome)));
  });

  test("also with SOURCE_DATE_EPOCH", async () => {
    await using registry = await startFakeRegistry();
    await workshop.build("FROM scratch\nCOPY a /a\n", { files: { a: "a\n" }, push: true, tags: [`${registry.host}/app:1`], attestRun: "always", buildArgs: { SOURCE_DATE_EPOCH: EPOCH } });
    const [statement] = (await pushedIndex(registry.host, "app", "1")).statements;
    assert.notEqual(statement?.predicate.runDetails.metadata["startedOn"], "2020-09-13T12:26:40Z");
  });

  test("is one and the same for two builds that run at once", async () => {
    await using registry = await startFakeRegistry();
    const text = "FROM scratch\nCOPY b /b\n";
    const files = { b: "b\n" };
    await workshop.build(text, { files, provenance: "false" });
    const outcomes = await Promise.all([1, 2, 3].map(async () => (await workshop.build(text, { files, tags: [`${registry.host}/app:1`], outputs: ["type=image"] })).outcome));
    assert.equal(new Set(outcomes.map(({ image }) => image?.digest)).size, 1);
  });

  test("of a build without records is none, and the run is in the history all the same", async () => {
    const { outcome } = await workshop.build("FROM scratch\nCOPY a /a\n", { files: { a: "a\n" }, provenance: "false" });
    assert.deepEqual(provenanceOf(await runOf(outcome)), []);
  });
});
