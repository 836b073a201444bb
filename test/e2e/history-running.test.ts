import assert from "node:assert/strict";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openPlace, type CommandRun, type Place, type StartedCommand } from "./command.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

const WAITS = "[stage-0 2/3] RUN echo beg''un; sleep 4711";

let place: Place;
let root: string;
let context: string;
const started: StartedCommand[] = [];

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  context = await contextWithBase(place, "waiting", { Dockerfile: `${BASE}ARG DB_PASSWORD=hunter2-horse\nRUN echo beg''un; sleep 4711\nRUN true\n` });
});

after(async () => {
  // Those of a test that failed.
  for (const command of started) command.kill("SIGKILL");
  await Promise.all(started.map(({ ended }) => ended));
  await place[Symbol.asyncDispose]();
});

async function history(...args: readonly string[]): Promise<CommandRun> {
  return await place.stemmaHere(["history", ...args, "--root", root]);
}

async function stdoutOf(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await history(...args);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

/** A build that will not end, in the middle of its step. */
async function waiting(): Promise<StartedCommand> {
  const command = place.start(["build", "--root", root, "--progress=plain", "--no-cache", "--label", "note=hunter2-horse-battery", "--build-arg", "DB_PASSWORD=hunter2-horse-battery", context]);
  started.push(command);
  await command.shown(/\d begun/);
  return command;
}

interface Inspected {
  readonly Ref: string;
  readonly Status: string;
  readonly CompletedAt?: string;
  readonly Duration: number;
  readonly BuildArgs: readonly unknown[];
  readonly Steps: ReadonlyArray<{ readonly Name: string; readonly Outcome: string; readonly DurationMs: number }>;
}

async function inspect(ref: string): Promise<Inspected> {
  return JSON.parse(await stdoutOf("inspect", "--format=json", ref)) as Inspected;
}

const outcomes = ({ Steps }: Inspected): readonly (string | undefined)[] => [WAITS.slice(-30), "RUN true"].map((end) => Steps.find(({ Name }) => Name.endsWith(end))?.Outcome);

test("a build that runs is seen by others, and one that was killed says so, with what there is of it", { skip: runSkip }, async () => {
  const command = await waiting();
  assert.match(await stdoutOf("ls"), /^BUILD ID .*\n[0-9a-z]{25} +waiting +Running +.* ago +\d+\.\ds\+\n$/);
  const listed = JSON.parse(await stdoutOf("ls", "--format=json", "--filter", "status=running", "--filter", "duration>1ms")) as Record<string, unknown>;
  assert.deepEqual([listed["status"], "completed_at" in listed], ["Running", false]);
  const ref = String(listed["ref"]);
  assert.match(await stdoutOf("logs"), /\d begun\n/);
  const running = await inspect(ref);
  assert.deepEqual([running.Status, running.CompletedAt, running.BuildArgs], ["running", undefined, [{ Name: "DB_PASSWORD", Value: "xxxxx" }]]);
  assert.ok(running.Duration > 0);
  assert.deepEqual(outcomes(running), ["running", "not-reached"]);
  assert.ok((running.Steps.find(({ Outcome }) => Outcome === "running")?.DurationMs ?? 0) > 0);
  assert.match(await stdoutOf("inspect"), /Duration:\s+\S+ \(running\)\n/);
  for (const args of [["rm", ref], ["export", "-o", join(place.path, "x"), ref]]) {
    const { exitCode, stderr } = await history(...args);
    assert.deepEqual([exitCode, /still runs: wait for its end, or stop it$/m.test(stderr)], [75, true], stderr);
  }
  await stdoutOf("rm", "--all");
  const kept = join(root, "running", ref.split("/").at(-1) ?? "");
  for (const name of await readdir(kept)) assert.doesNotMatch(await readFile(join(kept, name), "utf8"), /hunter2-horse-battery/, name);

  command.kill("SIGKILL");
  await command.ended;
  await assertNothingRuns(place.path);
  assert.match(await stdoutOf("ls"), /^BUILD ID .*\n[0-9a-z]{25} +waiting +Interrupted +.* ago +\d+\.\ds\n$/);
  const killed = await inspect(ref);
  assert.equal(killed.Status, "interrupted");
  assert.deepEqual(outcomes(killed), ["stopped", "not-reached"]);
  assert.match(await stdoutOf("logs", ref), /\d begun\n/);
  assert.match(await stdoutOf("inspect", ref), /\nError:\s+Aborted the process of this build ended before the build did/);
  await stdoutOf("export", "-o", join(place.path, "killed"), ref);
  assert.match((await place.stemmaHere(["history", "import", "--root", join(place.path, "other"), "-f", join(place.path, "killed")])).stdout, new RegExp(`^${ref}$`, "m"));
  await stdoutOf("rm", ref);
  assert.equal(await stdoutOf("ls", "--format=json"), "");
});

test("a store that is read-only shows its builds, a killed one as such, and is left as it is", { skip: runSkip }, async () => {
  const command = await waiting();
  command.kill("SIGKILL");
  await command.ended;
  await assertNothingRuns(place.path);
  const left = async (): Promise<readonly string[]> => (await readdir(root, { recursive: true })).filter((name) => /^(?:work|running|history)\//.test(name)).toSorted();
  const before = await left();
  assert.ok(before.some((name) => name.startsWith("work/locks/")) && before.some((name) => name.startsWith("running/")), before.join());
  const readOnly = async (...args: readonly string[]): Promise<CommandRun> => await place.stemma(["history", ...args, "--root", root], {
    wrapper: ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', root],
  });
  const { exitCode, stdout, stderr } = await readOnly("ls", "--format", "{{.Name}} {{.Status}}");
  assert.deepEqual([exitCode, stdout, stderr], [0, "waiting Interrupted\n", ""]);
  assert.match((await readOnly("inspect")).stdout, /\nError:\s+Aborted the process of this build ended before the build did/);
  const removed = await readOnly("rm", "--all");
  assert.deepEqual([removed.exitCode, removed.stderr.trim().split("\n").length], [74, 1], removed.stderr);
  assert.match(removed.stderr, /read-only/);
  assert.deepEqual(await left(), before);
  for (const name of ["work", "history"]) await rm(join(root, name), { recursive: true, force: true });
  assert.equal((await readOnly("ls", "--format", "{{.Name}} {{.Status}}")).stdout, "waiting Interrupted\n");
  await stdoutOf("rm", "--all");
});

test("the build after a killed one makes its record, and leaves nothing of what runs", { skip: runSkip }, async () => {
  const command = await waiting();
  command.kill("SIGKILL");
  await command.ended;
  await assertNothingRuns(place.path);
  const next = await contextWithBase(place, "next", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, next]);
  assert.equal(exitCode, 0, stderr);
  assertNoWorkLeft(root);
  assert.equal((await readdir(join(root, "history"))).length, 2);
  assert.deepEqual((await stdoutOf("ls", "--format", "{{.Name}} {{.Status}}")).trim().split("\n").toSorted(), ["next Completed", "waiting Interrupted"]);
});
