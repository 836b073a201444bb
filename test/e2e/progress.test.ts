import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { bytesText } from "../../src/progress/part-bytes.ts";
import { eventually } from "../../src/testing/eventually.ts";
import { COMMAND } from "../../src/testing/command-path.ts";
import { openPlace, type Place } from "./command.ts";
import { runSkip } from "./workshop.ts";

const LIMIT = { timeout: 240_000 };

const skip = runSkip !== false ? runSkip : spawnSync("tmux", ["-V"]).status !== 0 ? "tmux is not installed" : false;

async function contextIn({ path }: Place, run: string): Promise<string> {
  const context = join(path, "context");
  await mkdir(context);
  await copyFile("/bin/busybox", join(context, "busybox"));
  await writeFile(join(context, "Dockerfile"), `FROM scratch\nCOPY busybox /bin/sh\nRUN ${run}\n`);
  return context;
}

interface Screen extends AsyncDisposable {
  /** The screen once it has a line like this, times replaced, without what is empty below. */
  showing(pattern: RegExp): Promise<string>;
  press(key: string): void;
  isCursorShown(): boolean;
}

/** A real terminal of this size in which the command runs. */
function openScreen(place: Place, { columns, args, env = "" }: { readonly columns: number; readonly args: string; readonly env?: string }): Screen {
  const socket = join(place.path, `tmux-${columns}`);
  const tmux = (...words: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync("tmux", ["-S", socket, "-f", "/dev/null", ...words], { encoding: "utf8", env: { ...process.env, LC_ALL: "C.UTF-8" } });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const command = `cd ${place.path}; HOME=${place.path} ${env} ${process.execPath} ${COMMAND} build --root ${place.path}/state-${columns} ${args}; echo "status $?"; sleep 60`;
  tmux("new-session", "-d", "-s", "s", "-x", String(columns), "-y", "20", command);
  return {
    async showing(pattern) {
      let text = "";
      await eventually(`the terminal shows ${pattern}`, () => pattern.test((text = tmux("capture-pane", "-p", "-t", "s").replace(/\d+\.\ds/g, "0.0s").trimEnd())));
      return text;
    },
    press: (key) => void tmux("send-keys", "-t", "s", key),
    isCursorShown: () => tmux("display-message", "-p", "-t", "s", "#{cursor_flag}").trim() === "1",
    async [Symbol.asyncDispose]() {
      tmux("kill-server");
    },
  };
}

const RUN = "echo one; echo two words; sleep 1";

describe("a terminal shows steps side by side", { skip }, () => {
  const transferred = skip === false ? `transferring context: ${bytesText(statSync("/bin/busybox").size)}` : "";

  test("at 40 columns", LIMIT, async () => {
    await using place = await openPlace();
    await using screen = openScreen(place, { columns: 40, args: `-o type=cacheonly ${await contextIn(place, RUN)}` });
    assert.equal(await screen.showing(/two words$/m), [
      "[+] Building 0.0s (4/5)",
      " => [internal] load build definitio 0.0s",
      " => => transferring dockerfile: 72B 0.0s",
      " => [internal] load .dockerignore   0.0s",
      " => => transferring context:        0.0s",
      " => [internal] load build context   0.0s",
      ` => => ${transferred.padEnd(28)} 0.0s`,
      " => [1/2] COPY busybox /bin/sh      0.0s",
      " => [2/2] RUN echo one; echo two wo 0.0s",
      " => => # one",
      " => => # two words",
    ].join("\n"));
    assert.ok(!screen.isCursorShown());
    assert.match(await screen.showing(/status 0/), /^\[\+\] Building 0\.0s \(5\/5\) FINISHED\n(?: => .{31} 0\.0s\n){5}(?! => => #)/);
    assert.ok(screen.isCursorShown());
  });

  test("at 200 columns", LIMIT, async () => {
    await using place = await openPlace();
    await using screen = openScreen(place, { columns: 200, args: `-o type=cacheonly ${await contextIn(place, RUN)}` });
    const line = (text: string): string => `${text.padEnd(195)} 0.0s`;
    assert.equal(await screen.showing(/two words$/m), [
      "[+] Building 0.0s (4/5)",
      line(" => [internal] load build definition from Dockerfile"),
      line(" => => transferring dockerfile: 72B"),
      line(" => [internal] load .dockerignore"),
      line(" => => transferring context:"),
      line(" => [internal] load build context"),
      line(` => => ${transferred}`),
      line(" => [1/2] COPY busybox /bin/sh"),
      line(` => [2/2] RUN ${RUN}`),
      " => => # one",
      " => => # two words",
    ].join("\n"));
  });

  test("and is left as it was, however the build ends", LIMIT, async () => {
    await using place = await openPlace();
    await using screen = openScreen(place, { columns: 80, args: `-o type=cacheonly ${await contextIn(place, "echo begun; sleep 30")}` });
    await screen.showing(/begun$/m);
    screen.press("C-c");
    const text = await screen.showing(/status \d+/);
    assert.match(text, /=> CANCELED \[2\/2\] RUN echo begun; sleep 30 +0\.0s\n[^]*ERROR: interrupted\nstatus 130$/);
    assert.ok(screen.isCursorShown());
  });
});

test("the last lines of a build say digest and place of the evidence, the sandbox, and what to ask next", { ...LIMIT, skip: runSkip }, async () => {
  await using place = await openPlace();
  const context = await contextIn(place, "true");
  const { exitCode, stderr } = await place.stemmaHere(["build", "--provenance=mode=max", "-o", "type=oci,tar=false,dest=out", context]);
  assert.equal(exitCode, 0, stderr);
  const [evidence = "", sandbox, next = "", ...rest] = stderr.trimEnd().split("\n").slice(-3);
  assert.match(evidence, /^sha256:[0-9a-f]{64}: its evidence is in the index, in sha256:[0-9a-f]{64}$/);
  assert.match(String(sandbox), /^sandbox: (?:runc|crun|namespaces)$/);
  assert.deepEqual(rest, []);
  const [, command = ""] = /^next: stemma (.*) --path PATH tells which line brought a file$/.exec(next) ?? [];
  const traced = await place.stemmaHere([...command.split(" "), "--path", "/bin/sh"]);
  assert.match(traced.stdout, /COPY busybox \/bin\/sh/);
});

describe("--progress", () => {
  const DOCKERFILE = "FROM scratch\nCOPY a /a\n";
  const build = async (place: Place, ...args: readonly string[]): Promise<{ readonly exitCode: number; readonly stderr: string }> => {
    await mkdir(join(place.path, "c"), { recursive: true });
    await writeFile(join(place.path, "c/Dockerfile"), DOCKERFILE);
    await writeFile(join(place.path, "c/a"), "a");
    return await place.stemmaHere(["build", "-o", "type=cacheonly", ...args, "c"]);
  };

  test("rawjson is one object of BuildKit's a line, and nothing else", async () => {
    await using place = await openPlace();
    const { stderr } = await build(place, "--progress=rawjson");
    interface Vertex { readonly name: string; readonly digest: string; readonly inputs?: readonly string[]; readonly completed?: string }
    const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line) as { readonly vertexes?: readonly Vertex[] });
    const vertexes = lines.flatMap(({ vertexes: found = [] }) => found);
    const copy = vertexes.findLast(({ name }) => name === "[1/1] COPY a /a");
    const context = vertexes.find(({ name }) => name === "[internal] load build context");
    assert.ok(copy?.completed !== undefined && context !== undefined);
    assert.deepEqual(copy.inputs, [context.digest]);
  });

  test("plain tells how much of the client's files had to be read", async () => {
    await using place = await openPlace();
    const { stderr } = await build(place, "--progress=plain");
    assert.match(stderr, /^#1 transferring dockerfile: 23B(?: \d\.\ds)? done$/m);
    assert.match(stderr, /^#3 \[internal\] load build context\n(?:#3 transferring context:\n)?#3 transferring context: 1B(?: \d\.\ds)? done$/m);
  });

  test("the metadata file has the warnings where BUILDX_METADATA_WARNINGS asks for them", async () => {
    await using place = await openPlace();
    const warned = async (env: Readonly<Record<string, string>>): Promise<unknown> => {
      await mkdir(join(place.path, "w"), { recursive: true });
      await writeFile(join(place.path, "w/Dockerfile"), "from scratch\nCOPY w /\n");
      await writeFile(join(place.path, "w/w"), "");
      const { exitCode, stderr } = await place.stemmaHere(["build", "-o", "type=cacheonly", "--metadata-file", "m.json", "w"], { env });
      assert.equal(exitCode, 0, stderr);
      return (JSON.parse(await readFile(join(place.path, "m.json"), "utf8")) as Record<string, unknown>)["buildx.build.warnings"];
    };
    assert.equal(await warned({}), undefined);
    assert.equal(await warned({ BUILDX_METADATA_WARNINGS: "0" }), undefined);
    const [first, ...rest] = (await warned({ BUILDX_METADATA_WARNINGS: "1" })) as ReadonlyArray<{ readonly short: string; readonly url: string; readonly range: unknown }>;
    assert.equal(Buffer.from(first?.short ?? "", "base64").toString(), "ConsistentInstructionCasing: Command 'from' should match the case of the command majority (uppercase) (line 1)");
    assert.deepEqual([first?.url, first?.range, rest], ["https://docs.docker.com/go/dockerfile/rule/consistent-instruction-casing/", [{ start: { line: 1 }, end: { line: 1 } }], []]);
  });

  test("tty is refused where there is no terminal, and auto is plain there", async () => {
    await using place = await openPlace();
    const refused = await build(place, "--progress=tty");
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /failed to get console: provided file is not a console/);
    assert.match((await build(place)).stderr, /^#1 \[internal\] load build definition/m);
    assert.match((await build(place, "--progress=fancy")).stderr, /invalid progress mode fancy: use auto, plain, tty, rawjson, quiet or none/);
  });
});

test("a warning names the step that read the file, in rawjson with the graph that reads it again", async () => {
  await using place = await openPlace();
  await mkdir(join(place.path, "w"));
  await writeFile(join(place.path, "w/Dockerfile"), "from scratch\nCOPY Dockerfile /\n");
  const { stderr: plain } = await place.stemmaHere(["build", "-o", "type=cacheonly", "--progress=plain", "w"]);
  assert.match(plain, /^#1 \[internal\] load build definition from Dockerfile\n(?:#1 .*\n)*#1 WARN: ConsistentInstructionCasing: Command 'from' should match the case of the command majority \(uppercase\) \(line 1\)$/m);
  const { stderr } = await place.stemmaHere(["build", "-o", "type=cacheonly", "--progress=rawjson", "w"]);
  interface Definition { readonly def: readonly string[]; readonly metadata: Readonly<Record<string, { readonly description?: unknown }>>; readonly Source: unknown }
  interface Warning { readonly vertex: string; readonly sourceInfo: { readonly language: string; readonly definition: Definition } }
  const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line) as { readonly vertexes?: ReadonlyArray<{ readonly name: string; readonly digest: string }>; readonly warnings?: readonly Warning[] });
  const [warning, ...rest] = lines.flatMap(({ warnings: found = [] }) => found);
  const read = lines.flatMap(({ vertexes: found = [] }) => found).find(({ name }) => name === "[internal] load build definition from Dockerfile");
  assert.ok(warning !== undefined && read !== undefined && rest.length === 0);
  assert.equal(warning.vertex, read.digest);
  const { language, definition } = warning.sourceInfo;
  assert.equal(language, "Dockerfile");
  assert.equal(definition.def.length, 2);
  assert.deepEqual(definition.metadata[read.digest]?.description, { "llb.customname": "[internal] load build definition from Dockerfile" });
  assert.deepEqual(definition.Source, { locations: { [read.digest]: {} } });
});

test("a cache that cannot be read is a step that failed, of a build that goes on", async () => {
  await using place = await openPlace();
  await mkdir(join(place.path, "c"));
  await writeFile(join(place.path, "c/Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
  const { exitCode, stderr } = await place.stemmaHere(["build", "-o", "type=cacheonly", "--progress=plain", "--cache-from", "type=registry,ref=127.0.0.1:1/none:1", "c"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /^#1 importing cache manifest from 127\.0\.0\.1:1\/none:1\n#1 ERROR: failed to configure registry cache importer: /m);
});

test("a step that has no key fails with what it lacks, and the build with what that was for", async () => {
  await using place = await openPlace();
  await mkdir(join(place.path, "c"));
  await writeFile(join(place.path, "c/Dockerfile"), "FROM scratch\nCOPY nope /\n");
  const { stderr } = await place.stemmaHere(["build", "-o", "type=cacheonly", "--progress=plain", "c"]);
  assert.match(stderr, /^#\d+ ERROR: failed to calculate checksum of ref \S+ "\/nope": not found$/m);
  assert.match(stderr, /^ERROR: failed to build: failed to solve: failed to compute cache key: failed to calculate checksum of ref \S+ "\/nope": not found$/m);
});
