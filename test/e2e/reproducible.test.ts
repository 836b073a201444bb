import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BuildError, NotReproducibleError, type DifferingOutput } from "../../src/doors/build.ts";
import { startFakeRegistry } from "../../src/testing/fake-registry.ts";
import { openPlace } from "./command.ts";
import { assertNoControlGroupOf, assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { pushedMetadata } from "./records.ts";
import { finished, openWorkshop, runSkip, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

const EPOCH = "1600000000";
const REWRITTEN = "type=image,rewrite-timestamp=true";

let workshop: Workshop;

before(async () => {
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

/** With a time that is set, as everybody does who wants to have the same twice. */
async function check(dockerfile: string, options: WorkshopBuild = {}): Promise<Built> {
  const { buildArgs, ...rest } = options;
  return await workshop.build(dockerfile, { reproducible: true, outputs: [REWRITTEN], buildArgs: { SOURCE_DATE_EPOCH: EPOCH, ...buildArgs }, ...rest });
}

interface Refusal {
  readonly error: BuildError;
  readonly cause: NotReproducibleError;
  /** Lines of the report. */
  readonly lines: readonly string[];
}

async function refusalOf(dockerfile: string, options?: WorkshopBuild): Promise<Refusal> {
  const failure: unknown = await check(dockerfile, options).then(() => undefined, (error: unknown) => error);
  if (!(failure instanceof BuildError) || !(failure.cause instanceof NotReproducibleError)) throw new Error("was not refused for what it came to", { cause: failure });
  assert.equal(failure.code, "not-reproducible");
  assert.equal(failure.retryable, false);
  return { error: failure, cause: failure.cause, lines: failure.report.split("\n") };
}

/** A secret that is another one each time somebody asks for it: what a RUN makes of it differs from run to run as the test wants. */
function inTurn(...values: readonly string[]): { readonly turn: () => Promise<Uint8Array> } {
  let asked = 0;
  return { turn: async () => Buffer.from(values[asked++ % values.length] ?? "") };
}

const inRun = (script: string): string => `FROM base\nRUN --mount=type=secret,id=turn mkdir /out; turn=$(cat /run/secrets/turn); ${script}\n`;

describe("a build that is reproducible", () => {
  test("is published with the verdict in its record, which is not BuildKit's claim", { skip: runSkip }, async () => {
    await using registry = await startFakeRegistry();
    const tags = [`${registry.host}/app:1`];
    const built = await check("FROM base\nRUN mkdir /d && echo x > /d/x\nCOPY a /a\n", { files: { a: "a\n" }, outputs: [`type=registry,rewrite-timestamp=true`], tags });
    assert.deepEqual(built.ran.filter((name) => /^second build: \[\d\/3\] /.test(name)).length, 2);
    assertNoSecondShared(built);
    const metadata = await pushedMetadata(registry.host, "app", "1");
    assert.deepEqual(metadata["stemma_reproducible"], { verified: true, check: "rebuild", runs: 2 });
    assert.equal(metadata["buildkit_reproducible"], undefined);
  });

  test("has no verdict when nobody looked, whatever the caller claims", async () => {
    await using registry = await startFakeRegistry();
    await workshop.build("FROM scratch\nCOPY a /a\n", { files: { a: "a\n" }, push: true, tags: [`${registry.host}/app:1`], provenance: "mode=min,reproducible=true" });
    const metadata = await pushedMetadata(registry.host, "app", "1");
    assert.equal(metadata["stemma_reproducible"], undefined);
    assert.equal(metadata["buildkit_reproducible"], true);
  });

  test("was built a second time also where the cache has all of it, and leaves nothing of that", { skip: runSkip }, async () => {
    const text = "FROM base\nRUN echo one > /one\n";
    await check(text);
    const again = await check(text);
    const isStep = (name: string): boolean => name.endsWith("] RUN echo one > /one");
    assert.equal(again.cached.filter(isStep).length, 1);
    assert.deepEqual(again.ran.filter(isStep).map((name) => name.startsWith("second build: ")), [true]);
    assertNoWorkLeft(workshop.root);
    await assertNothingRuns(workshop.path);
  });

  test("sees nothing of the host's name and of our environment", { skip: runSkip }, async () => {
    await check("FROM base\nRUN hostname > /name; cat /etc/hosts > /hosts-seen; env | sort > /env; id > /id; pwd > /pwd\n");
  });

  test("may come from standard input, whose bytes come once", async () => {
    await using place = await openPlace();
    await writeFile(join(place.path, "Dockerfile"), "FROM scratch\nCOPY a /a\n");
    await writeFile(join(place.path, "a"), "a\n");
    await place.run(["tar", "-cf", "context.tar", "Dockerfile", "a"]);
    const bytes = await readFile(join(place.path, "context.tar"));
    const request = await workshop.request("", { reproducible: true, outputs: [REWRITTEN], buildArgs: { SOURCE_DATE_EPOCH: EPOCH } });
    const { dockerfile: _, ...rest } = request;
    const built = await finished({ ...rest, context: { stream: (async function* () { yield bytes; })() } });
    assert.ok(built.ran.includes("second build: [1/1] COPY a /a"), built.ran.join("\n"));
  });

  test("is compared for each platform", async () => {
    const { ran } = await check("FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /arch\n", { files: { amd64: "a", arm64: "b" }, platforms: ["linux/amd64", "linux/arm64"] });
    assert.equal(ran.filter((name) => /^second build: .* COPY (?:amd64|arm64) \/arch$/.test(name)).length, 2);
  });

  test("does not fetch its base a second time", { skip: runSkip }, async () => {
    await using registry = await startFakeRegistry();
    const base = `${registry.host}/base:1`;
    await workshop.build("FROM base\nRUN echo based > /based\n", { push: true, tags: [base] });
    await using other = await openWorkshop(workshop.base);
    const before = registry.requests.length;
    await finished({ ...(await other.request(`FROM ${base}\nRUN cat /based\n`)), reproducible: true, outputs: [REWRITTEN], buildArgs: { SOURCE_DATE_EPOCH: EPOCH } });
    const blobs = registry.requests.slice(before).filter(({ method, url }) => method === "GET" && url.pathname.includes("/blobs/")).map(({ url }) => url.pathname);
    assert.equal(new Set(blobs).size, blobs.length, blobs.join("\n"));
    assert.ok(blobs.length > 0);
  });

  test("gives files that are compared as files", { skip: runSkip }, async () => {
    const out = join(workshop.path, "out-files");
    await check("FROM base\nRUN mkdir /out && touch /out/now\n", { outputs: [`type=local,dest=${out}`, `type=tar,dest=${out}.tar`] });
    assert.ok(existsSync(join(out, "out/now")));
  });
});

/** Whatever a step makes of the time is most often made of seconds. */
function assertNoSecondShared({ events }: Built): void {
  const started = events.flatMap((event) => (event.kind === "step-started" ? [{ name: event.name, second: Math.floor(event.at.getTime() / 1000) }] : []));
  const isSecond = ({ name }: { readonly name: string }): boolean => name.startsWith("second build: ");
  const first = new Set(started.slice(0, started.findIndex(isSecond)).map(({ second }) => second));
  assert.ok(first.size > 0);
  for (const { second } of started.filter(isSecond)) assert.ok(!first.has(second), `${second}`);
}

/** What each of two runs does, and what is said of it. */
const CHANGES: ReadonlyArray<readonly [first: string, second: string, line: string]> = [
  ["echo one > content", "echo two > content", "  /out/content: content"],
  ["touch more", "true", "  /out/more: only in the first (file)"],
  ["true", "touch new", "  /out/new: only in the second (file)"],
  ["touch mode; chmod 600 mode", "touch mode; chmod 4644 mode", "  /out/mode: mode 0600, then 4644"],
  ["touch owner; chown 1000:7 owner", "touch owner; chown 0:8 owner", "  /out/owner: owner 1000:7, then 0:8"],
  ["echo one > size", "echo three > size", "  /out/size: size 4 bytes, then 6 bytes"],
  ["ln -s a target", "ln -s b target", "  /out/target: link a, then b"],
  ["touch -t 200001010000 time", "touch -t 200101010000 time", "  /out/time: mtime 2000-01-01T00:00:00Z, then 2001-01-01T00:00:00Z"],
  ["mkdir type", "touch type", "  /out/type: type directory, then file"],
  ["touch /etc/both; rm /etc/group", "touch /etc/both", "  /etc/group: only in the first (whiteout)"],
];

describe("a build that is not reproducible fails, and names", () => {
  test("layer, step, line of the Dockerfile and path, and in what they differ", { skip: runSkip }, async () => {
    const script = `case $turn in first) ${CHANGES.map(([first]) => first).join("; ")};; *) ${CHANGES.map(([, second]) => second).join("; ")};; esac`;
    const { lines, cause } = await refusalOf(inRun(`cd /out; ${script}`), { secrets: inTurn("first", "second") });
    assert.match(lines[2] ?? "", /^layer 2 of 2, \[\S*(?: \S+)? RUN --mount=type=secret,id=turn .* \(Dockerfile:2\):$/);
    assert.deepEqual(lines.filter((line) => line.startsWith("  /")).toSorted(), CHANGES.map(([, , line]) => line).toSorted());
    assert.equal(cause.outputs[0]?.makers[1]?.place, "Dockerfile:2");
  });

  test("what a step takes from the time of day", { skip: runSkip }, async () => {
    const { lines } = await refusalOf("FROM base\nRUN date +%s > /now\n");
    assert.deepEqual(lines.filter((line) => line.startsWith("  /")), ["  /now: content"]);
  });

  test("what a step takes from where our state lies", { skip: runSkip }, async () => {
    const { lines } = await refusalOf("FROM base\nRUN head -n 1 /proc/self/mountinfo | grep -o 'lowerdir=[^, ]*' > /seen; cat /seen\n");
    assert.ok(lines.some((line) => line.startsWith("  /seen: ")), lines.join("\n"));
  });

  test("what a step takes from a cache mount that earlier builds filled", { skip: runSkip }, async () => {
    const text = (round: string): string => `FROM base\nRUN --mount=type=cache,target=/c echo ${round} >> /c/log; cp /c/log /log\n`;
    await workshop.build(text("first"));
    const { lines } = await refusalOf(text("second"));
    assert.ok(lines.includes("  /log: size 13 bytes, then 7 bytes"), lines.join("\n"));
  });

  test("an input that changed meanwhile", { skip: runSkip }, async () => {
    const context = await workshop.directory({ a: "before\n" });
    // The RUN stands on the COPY: when it asks, the first run has read the file.
    const turn = async (): Promise<Uint8Array> => {
      await writeFile(join(context, "a"), "after it was read\n");
      return Buffer.from("same");
    };
    const { cause, lines } = await refusalOf("FROM base\nCOPY a /a\nRUN --mount=type=secret,id=turn true\n", { context, secrets: { turn } });
    assert.deepEqual(cause.inputs.map(({ name }) => name), ["local directory context"]);
    assert.match(lines[1] ?? "", /^local directory context: sha256:\w+, then sha256:\w+$/);
    assert.ok(lines.includes("  /a: size 7 bytes, then 18 bytes"), lines.join("\n"));
  });

  test("the times of the image where no SOURCE_DATE_EPOCH is set, with what to do", { skip: runSkip }, async () => {
    const failure: unknown = await workshop.build("FROM base\nRUN touch /f\n", { reproducible: true }).catch((error: unknown) => error);
    assert.ok(failure instanceof BuildError);
    assert.match(failure.report, /\n {2}\/f: mtime \S+Z, then \S+Z\n(?: {2}\/(?:proc|sys): .*\n)*configuration:\n {2}created: "\S+", then "\S+"\n {2}history\[\d\]\.created: "\S+", then "\S+"\nhint: files, and the image itself, have the times of the build: set SOURCE_DATE_EPOCH, .*, and rewrite-timestamp=true in --output: that would take away 4 of 4 differing paths, and all of them in 1 of 1 differing layers\n------\n$/);
  });

  test("what rewrite-timestamp would have mended", { skip: runSkip }, async () => {
    const { lines } = await refusalOf("FROM base\nRUN touch /f\nRUN date +%s%N > /now\n", { outputs: ["type=image"] });
    assert.ok(lines.some((line) => line.startsWith("hint: rewrite-timestamp=true in --output sets the times of files back to SOURCE_DATE_EPOCH: that would take away 4 of 5 differing paths, and all of them in 1 of 2 differing layers")), lines.join("\n"));
  });

  test("files of a result that is no image", { skip: runSkip }, async () => {
    const out = join(workshop.path, "never");
    const { cause } = await refusalOf("FROM base\nRUN date +%s > /now\n", { outputs: [`type=local,dest=${out}`, `type=tar,dest=${out}.tar`] });
    assert.deepEqual(cause.outputs.map(({ name }) => name), ["files of type=local", "files of type=tar"]);
    for (const { difference } of cause.outputs) assert.deepEqual("files" in difference && difference.files.map(({ path }) => path), ["now"]);
    assert.ok(!existsSync(out) && !existsSync(`${out}.tar`));
  });
});

describe("of a build that is not reproducible", () => {
  test("nothing is published, and nothing is left", { skip: runSkip }, async () => {
    await using registry = await startFakeRegistry();
    const out = join(workshop.path, "never.tar");
    await refusalOf("FROM base\nRUN date +%s > /now\n", { outputs: [`type=registry,name=${registry.host}/app:1`, `type=oci,dest=${out}`] });
    assert.deepEqual(registry.requests, []);
    assert.ok(!existsSync(out));
    assertNoWorkLeft(workshop.root);
    await assertNothingRuns(workshop.path);
  });

  test("each form of image is compared once, and told apart", { skip: runSkip }, async () => {
    const { cause } = await refusalOf("FROM base\nRUN date +%s > /now\n", { outputs: ["type=image,name=a:1", "type=image,name=a:2", "type=image,compression=zstd,rewrite-timestamp=true"] });
    assert.deepEqual(cause.outputs.map(({ name }: DifferingOutput) => name), ["image for linux/amd64 (gzip)", "image for linux/amd64 (zstd, rewrite-timestamp)"]);
  });

  test("the command says all of it, with a status of its own", { skip: runSkip }, async () => {
    await using place = await openPlace();
    const context = await workshop.directory({ Dockerfile: "FROM base\nRUN echo fine\nRUN date +%s > /now\n" });
    const { exitCode, stderr } = await place.stemmaHere(["build", "--reproducible", "--build-arg", `SOURCE_DATE_EPOCH=${EPOCH}`, "--build-context", `base=oci-layout://${workshop.base}`, "-o", REWRITTEN, context]);
    assert.equal(exitCode, 68, stderr);
    assert.match(stderr, /\n------\nimage for linux\/amd64, first build and second build:\nlayer 3 of 3, \[\d\/3\] RUN date \+%s > \/now \(Dockerfile:3\):\n {2}\/now: content\nhint: \[\d\/3\] RUN date .* had the network, .*\n------\nERROR: failed to build: not reproducible: a second build gave other bytes \(image for linux\/amd64\)\n$/);
  });

  test("a step that fails only in the second run is told as such", { skip: runSkip }, async () => {
    const failure: unknown = await check(inRun("$turn"), { secrets: inTurn("true", "false") }).catch((error: unknown) => error);
    assert.ok(failure instanceof BuildError && failure.code === "step-failed");
    assert.match(failure.report, /^------\n > second build: \[.*\] RUN /);
  });
});

describe("when the second run is stopped", () => {
  for (const [signal, status] of [["SIGINT", 130], ["SIGKILL", 137]] as const) {
    test(`by ${signal}, nothing of it stays`, { skip: runSkip }, async () => {
      await using place = await openPlace();
      const root = join(place.path, "state");
      const build = async (dockerfile: string, ...flags: readonly string[]): Promise<readonly string[]> => {
        const context = await workshop.directory({ Dockerfile: dockerfile });
        return ["build", "--root", root, "--progress=plain", "--build-context", `base=oci-layout://${workshop.base}`, ...flags, context];
      };
      // Only the first run sees what an earlier build left in the cache mount, and comes to its end.
      const mount = "--mount=type=cache,id=stopped,target=/c";
      assert.equal((await place.stemmaHere(await build(`FROM base\nRUN ${mount} touch /c/done\n`))).exitCode, 0);
      const command = place.start(await build(`FROM base\nRUN ${mount} test -e /c/done || { echo "star""ted"; sleep 4711; }\n`, "--reproducible"));
      await command.shown(/\d started/);
      command.kill(signal);
      assert.equal((await command.ended).exitCode, status);
      await assertNothingRuns(root);
      if (signal === "SIGINT") assertNoWorkLeft(root);
      assert.equal((await place.stemmaHere(await build("FROM base\nRUN true\n"))).exitCode, 0);
      assertNoWorkLeft(root);
      assertNoControlGroupOf(command.pid);
    });
  }
});
