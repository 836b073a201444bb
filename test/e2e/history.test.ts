import assert from "node:assert/strict";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openStateDatabase } from "../../src/store/state-database.ts";
import { COMMAND } from "../../src/testing/command-path.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { ByteSearch } from "./search-bytes.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

interface Step {
  readonly Name: string;
  readonly Outcome: string;
  readonly Reason: string;
  readonly Why: string;
  readonly Error: string;
}

let place: Place;
let workshop: Workshop;

before(async () => {
  place = await openPlace();
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function project(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(place.path, name);
  await mkdir(directory, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(directory, file), text);
  return directory;
}

async function built(directory: string, ...flags: readonly string[]): Promise<CommandRun> {
  return await place.stemmaHere(["build", "--progress=plain", ...flags, directory]);
}

async function stemma(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await place.stemmaHere(args);
  assert.equal(exitCode, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function steps(ref = ""): Promise<Readonly<Record<string, Step>>> {
  const { Steps } = JSON.parse(await stemma("history", "inspect", "--format=json", ...(ref === "" ? [] : [ref]))) as { Steps: readonly Step[] };
  return Object.fromEntries(Steps.map((step) => [step.Name, step]));
}

const why = (step: Step | undefined): readonly [string | undefined, string | undefined, string | undefined] => [step?.Outcome, step?.Reason, step?.Why];

describe("why a step ran", () => {
  const DOCKERFILE = "FROM scratch AS files\nCOPY a /a\nCOPY b /b\nFROM scratch\nCOPY --from=files /a /b /out/\n";
  const [COPY_A, COPY_B, OUT] = ["[files 1/2] COPY a /a", "[files 2/2] COPY b /b", "[stage-1 1/1] COPY --from=files /a /b /out/"] as const;

  test("the first time, when nothing changed, and when a file did", async () => {
    const directory = await project("why", { Dockerfile: DOCKERFILE, a: "1\n", b: "1\n", unused: "1\n" });
    assert.equal((await built(directory)).exitCode, 0);
    assert.deepEqual(why((await steps())[COPY_A]), ["ran", "first-run", "no earlier run of it is known"]);

    await writeFile(join(directory, "unused"), "2\n");
    await built(directory);
    const second = await steps();
    assert.deepEqual([second[COPY_A]?.Outcome, second[OUT]?.Outcome], ["cached", "cached"]);

    await writeFile(join(directory, "b"), "2\n");
    await built(directory);
    const third = await steps();
    assert.deepEqual(why(third[COPY_A]), ["cached", "same-content", "an input changed, and nothing that it uses of it"]);
    assert.deepEqual(why(third[COPY_B]), ["ran", "changed", "content of b changed"]);
    assert.deepEqual(why(third[OUT]), ["ran", "changed", "content of a or b changed"]);
  });

  test("an edited step is told as edited, in the builds of its own Dockerfile only", async () => {
    const directory = await project("edited", { Dockerfile: "FROM scratch\nCOPY --chmod=600 a /x\n", a: "1\n" });
    await built(directory);
    await writeFile(join(directory, "Dockerfile"), "FROM scratch\nWORKDIR /w\n");
    await built(directory);
    assert.deepEqual(why((await steps())["[1/1] WORKDIR /w"]).slice(0, 2), ["ran", "first-run"]);
  });

  test("what a cache was not to be asked for, and what was taken out of the store", async () => {
    const directory = await project("fresh", { Dockerfile: "FROM scratch\nCOPY c /c\nWORKDIR /c2\n", c: "1\n" });
    await built(directory);
    await built(directory, "--no-cache");
    assert.deepEqual(why((await steps())["[1/2] COPY c /c"]).slice(0, 2), ["ran", "no-cache"]);
    await rm(join(place.path, "data/stemma/layers/layers"), { recursive: true });
    await built(directory);
    assert.deepEqual(why((await steps())["[1/2] COPY c /c"]).slice(0, 2), ["ran", "evicted"]);
  });

  test("a RUN has another input where a step below ran, and another base where that moved", { skip: runSkip }, async () => {
    const base = join(place.path, "base");
    await cp(workshop.base, base, { recursive: true });
    const directory = await project("run", { Dockerfile: "FROM base\nCOPY a /a\nRUN cat /a > /b\n", a: "1\n" });
    const flags = ["--build-context", `base=oci-layout://${base}`];
    assert.equal((await built(directory, ...flags)).exitCode, 0);
    await writeFile(join(directory, "a"), "2\n");
    await built(directory, ...flags);
    const first = await steps();
    assert.deepEqual(why(first["[1/3] COPY a /a"]), ["ran", "changed", "content of a changed"], JSON.stringify(first));
    assert.deepEqual(why(first["[2/3] RUN cat /a > /b"]), ["ran", "changed", "its input [1/3] COPY a /a gave another result"]);

    const other = await project("other-base", { Dockerfile: "FROM base\nCOPY a /moved\n", a: "moved\n" });
    await rm(base, { recursive: true });
    assert.equal((await built(other, "--build-context", `base=oci-layout://${workshop.base}`, "--provenance=false", "-o", `type=oci,tar=false,dest=${base},name=base:latest`)).exitCode, 0);
    await built(directory, ...flags);
    assert.match((await steps())["[1/3] COPY a /a"]?.Why ?? "", /the base image .* has other layers/);
  });
});

test("what is remembered of steps does not grow for ever, and of the last build it is there", async () => {
  const root = join(place.path, "full");
  const [directory, flags] = [await project("full-context", { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "1\n" }), ["--root", root]];
  await built(directory, ...flags);
  {
    using database = openStateDatabase(join(root, "state.db"));
    for (const kind of ["step-key", "git-equal", "invocation"]) database.saveFacts(kind, new Map(Array.from({ length: 20_100 }, (_, i) => [`sha256:${String(i).padStart(64, "0")}`, "[]"])));
    // So many that they are counted again.
    database.saveFact("saved-since-counted", "step-key", "2500");
  }
  await writeFile(join(directory, "a"), "2\n");
  await built(directory, ...flags);
  {
    using database = openStateDatabase(join(root, "state.db"));
    assert.equal(database.facts("step-key").length, 20_000);
    assert.equal(database.facts("git-equal").length, 20_100, "no build saved one");
    assert.ok(database.facts("invocation").length >= 20_100, "records are equal by it");
  }
  await writeFile(join(directory, "a"), "3\n");
  await built(directory, ...flags);
  const { Steps } = JSON.parse(await stemma("history", "inspect", "--format=json", ...flags)) as { Steps: readonly Step[] };
  assert.deepEqual(why(Steps.find(({ Name }) => Name === "[1/1] COPY a /a")), ["ran", "changed", "content of a changed"]);
});

test("the history has builds that came to their end, failed, and were stopped", async () => {
  const directory = await project("ends", { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "1\n" });
  await built(directory);
  await writeFile(join(directory, "Dockerfile"), "FROM scratch\nCOPY missing /a\n");
  assert.equal((await built(directory)).exitCode, 66);
  const [failed] = JSON.parse(`[${(await stemma("history", "ls", "--format=json")).trim().split("\n").join(",")}]`) as ReadonlyArray<Record<string, unknown>>;
  assert.equal(failed?.["status"], "Error");
  assert.equal(failed?.["name"], "ends");
  const text = await stemma("history", "inspect");
  assert.match(text, /^Error:\t+Unknown failed to compute cache key: .*"\/missing": not found$/m);
  const { Error: failure } = JSON.parse(await stemma("history", "inspect", "--format=json")) as { readonly Error: Readonly<Record<string, unknown>> };
  assert.deepEqual([failure["Code"], failure["Name"], failure["Kind"]], [2, "[1/1] COPY missing /a", "missing-input"]);
  assert.match(Buffer.from(String(failure["Sources"]), "base64").toString(), /^Dockerfile:2\n-+\n.*\n +2 \| >>> COPY missing \/a\n/);
  assert.match(await stemma("history", "logs"), />>> COPY missing \/a\n[^]*\nERROR: failed to solve: .*"\/missing": not found\n$/);
  assert.match(text, />>> COPY missing \/a/);
  assert.equal((await steps())["[1/1] COPY missing /a"]?.Outcome, "failed");
  assert.match(await stemma("history", "ls"), /^BUILD ID +NAME +STATUS +CREATED AT +DURATION\n[0-9a-z]{25} +ends +Error +.* ago +\d/);
  assert.equal(await stemma("history", "ls", "--filter", "status=error", "--filter", "duration>1h"), "BUILD ID   NAME      STATUS    CREATED AT   DURATION\n");
  assert.equal((await stemma("history", "ls", "--filter", "status=error", "--format", "{{.Name}} {{.Status}}")).split("\n")[0], "ends Error");
  assert.match(await stemma("history", "ls", "--format", "table {{.Name}}\\t{{.Status}}"), /^NAME +STATUS\nends +Error\n/);
});

test("a build that is stopped is in the history as canceled", { skip: runSkip }, async () => {
  const directory = await project("stopped", { Dockerfile: "FROM base\nRUN echo begun && sleep 60\nRUN true\n" });
  const running = place.start(["build", "--progress=plain", "--build-context", `base=oci-layout://${workshop.base}`, directory]);
  await running.shown(/begun$/m);
  running.kill("SIGTERM");
  assert.equal((await running.ended).exitCode, 130);
  assert.match(await stemma("history", "inspect", "--format", "{{.Name}} {{.Status}}"), /^stopped canceled$/m);
  const all = await steps();
  assert.equal(all["[1/3] RUN echo begun && sleep 60"]?.Outcome, "stopped");
  assert.equal(all["[2/3] RUN true"]?.Outcome, "not-reached");
});

test("a step that is stopped since another one failed has not failed", { skip: runSkip }, async () => {
  const directory = await project("neighbour", { Dockerfile: "FROM base AS a\nRUN sleep 0.5 && exit 3\nFROM base AS b\nRUN sleep 60\nFROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n" });
  const { exitCode, stderr } = await built(directory, "--build-context", `base=oci-layout://${workshop.base}`);
  assert.equal(exitCode, 67, stderr);
  assert.match(stderr, /^#(\d+) \[b 1\/2\] RUN sleep 60\n(?:#\1 .*\n)*#\1 CANCELED$/m);
  const all = await steps();
  assert.deepEqual([all["[a 1/2] RUN sleep 0.5 && exit 3"]?.Outcome, all["[b 1/2] RUN sleep 60"]?.Outcome], ["failed", "stopped"]);
});

test("a build's log is printed again, and what it was attested with is kept", async () => {
  const directory = await project("kept", { Dockerfile: "FROM scratch\nCOPY a /kept\n", a: "1\n" });
  const dest = join(place.path, "kept.tar");
  const { stderr } = await built(directory, "--provenance=mode=max", "-o", `type=oci,dest=${dest}`, "-t", "kept:1");
  const logged = await stemma("history", "logs");
  assert.ok(logged.includes("[1/1] COPY a /kept"), logged);
  assert.equal(logged.replaceAll(/\d+\.\d+s?/g, "T"), stderr.replaceAll(/\d+\.\d+s?/g, "T"));
  const statement = JSON.parse(await stemma("history", "inspect", "attachment", "--type=provenance")) as { predicateType: string };
  assert.equal(statement.predicateType, "https://slsa.dev/provenance/v1");
  assert.deepEqual(JSON.parse(await stemma("history", "inspect", "attachment", "--type=https://slsa.dev/provenance/v1")), statement);
  const { exitCode, stderr: problem } = await place.stemmaHere(["history", "inspect", "attachment", "--type=manifest"]);
  assert.deepEqual([exitCode, /no matching attachment found for ref "\w+"$/m.test(problem)], [66, true], problem);
  assert.ok(JSON.parse(await stemma("history", "inspect", "attachment", "--type=metadata")));
  const { data: [trace] } = JSON.parse(await stemma("history", "trace")) as { readonly data: ReadonlyArray<{ readonly spans: ReadonlyArray<{ readonly operationName: string }> }> };
  assert.ok(trace?.spans.some(({ operationName }) => operationName === "[1/1] COPY a /kept"));
});

test("of all builds those of the repository that one works in are listed", async () => {
  const directory = await project("of-repository", { Dockerfile: "FROM scratch\nCOPY a /of-repository\n", a: "1\n" });
  for (const args of [["init", "-q"], ["remote", "add", "origin", "https://example.com/of/repository.git"]]) await place.run(["git", "-C", directory, ...args]);
  await built(directory);
  const { stdout } = await place.stemmaHere(["history", "ls", "--local", "--format={{.Name}}"], { cwd: directory });
  assert.equal(stdout, "repository\n");
  assert.match(await stemma("history", "ls", "--filter=repository=of/repo", "--format={{.Name}}"), /^repository\n$/);
  const { exitCode, stderr } = await place.stemmaHere(["history", "ls", "--local"]);
  assert.deepEqual([exitCode, /could not find git repository for local filter/.test(stderr)], [66, true], stderr);
});

test("no secret is in the history", async () => {
  const SECRET = "hunter2-horse-battery";
  const directory = await project("secret", { Dockerfile: "FROM scratch\nARG DB_PASSWORD\nCOPY missing-$DB_PASSWORD /\n" });
  await built(directory, "--build-arg", `DB_PASSWORD=${SECRET}`, "--label", `token=${SECRET}`);
  assert.match(await stemma("history", "inspect"), /DB_PASSWORD\t+xxxxx/);
  const search = new ByteSearch([SECRET]);
  const kept = join(place.path, "data/stemma/history");
  const files = (await readdir(kept, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  assert.ok(files.length > 1);
  for (const { parentPath, name } of files) assert.deepEqual([...search.in(await readFile(join(parentPath, name)))], [], join(parentPath, name));
});

test("the history goes to another machine as a file, and can be taken away", async () => {
  const file = join(place.path, "builds.dockerbuild");
  await stemma("history", "export", "--all", "-o", file);
  const piped = join(place.path, "piped.dockerbuild");
  await place.run(["sh", "-c", `"$0" "$@" > ${piped}`, process.execPath, COMMAND, "history", "export", "--all"]);
  assert.deepEqual(await readFile(piped), await readFile(file));
  const members = await place.run(["tar", "-tzf", file]);
  assert.match(members, /^index\.json$/m);
  assert.match(members, /^oci-layout$/m);
  const there = join(place.path, "elsewhere");
  await stemma("history", "import", "--root", there, "-f", file);
  const here = await stemma("history", "ls", "--format=json");
  assert.equal(await stemma("history", "ls", "--root", there, "--format=json"), here);
  assert.match(await stemma("history", "import", "--root", there, "-f", file), /was there/);
  assert.equal(await stemma("history", "logs", "--root", there), await stemma("history", "logs"));
  const bytes = await readFile(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
  await writeFile(file, bytes);
  assert.notEqual((await place.stemmaHere(["history", "import", "--root", join(place.path, "third"), "-f", file])).exitCode, 0);

  const last = await stemma("history", "inspect", "--format", "{{.Ref}}");
  await stemma("history", "rm", last.trim());
  assert.notEqual(await stemma("history", "inspect", "--format", "{{.Ref}}"), last);
  await stemma("history", "rm", "--all");
  assert.equal(await stemma("history", "ls", "--format=json"), "");
  assert.equal((await place.stemmaHere(["history", "inspect"])).exitCode, 66);
});
