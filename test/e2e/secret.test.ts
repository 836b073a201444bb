import assert from "node:assert/strict";
import { createReadStream, existsSync, globSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openPlace, type Place } from "./command.ts";
import { assertNothingRuns } from "./nothing-left.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

/** Values that occur nowhere else; one in two lines, as keys are. */
const VALUES = { file: "Hush-4b1d7f\nsecond-line-9c2e", env: "Psst-77aa01c3", build: "Mum-5e6f7a8b" } as const;
const PIECES = [...VALUES.file.split("\n"), VALUES.env];

let place: Place;
let context: string;
let root: string;

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  context = await contextWithBase(place, "context", {});
  await writeFile(join(place.path, "token"), VALUES.file);
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

const GIVEN = ["--secret", "id=token,src=token", "--secret", "id=variable,env=MY_SECRET"];

/** The command sees the secrets, as a file and as a variable, and takes care to keep neither. */
const USES = `${BASE}RUN --mount=type=secret,id=token --mount=type=secret,id=variable,env=SEEN \\
    echo "marker-$(wc -c < /run/secrets/token)" > /size && echo "\${#SEEN} characters" && echo used\n`;

async function build(dockerfile: string, flags: readonly string[]): Promise<{ readonly exitCode: number; readonly stderr: string; readonly stdout: string }> {
  return await place.stemmaHere(["build", "--root", root, "--progress=plain", "-f", "-", ...flags, context], { input: dockerfile, env: { MY_SECRET: VALUES.env } });
}

/** Files that hold one of these texts, as they are or within gzip. */
async function filesWith(directory: string, texts: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of globSync(join(directory, "**/*"))) {
    if (!statSync(path).isFile()) continue;
    const bytes = Buffer.concat(await Array.fromAsync(createReadStream(path) as AsyncIterable<Buffer>));
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    if (texts.some((text) => bytes.includes(text) || plain.includes(text))) found.push(path);
  }
  return found;
}

test("a secret reaches the command, and is in no layer, record, cache, log or file", { skip: runSkip }, async () => {
  const layout = join(place.path, "layout");
  const { exitCode, stdout, stderr } = await build(USES, [...GIVEN, "--provenance=mode=max", "-o", `type=oci,tar=false,dest=${layout}`, "--metadata-file", join(place.path, "metadata.json")]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /\d 13 characters\n/);
  for (const text of PIECES) assert.ok(!`${stdout}${stderr}`.includes(text), `${text} is in the log`);
  assert.deepEqual(await filesWith(root, PIECES), []);
  assert.deepEqual(await filesWith(layout, PIECES), []);
  assert.ok(!PIECES.some((text) => readFileSync(join(place.path, "metadata.json"), "utf8").includes(text)));
  // What was looked through did hold what the command wrote; else nothing was shown.
  assert.notDeepEqual(await filesWith(root, [`marker-${VALUES.file.length}`]), []);
  assert.notDeepEqual(await filesWith(layout, [`marker-${VALUES.file.length}`]), []);
});

test("a secret with another value gives the same step: its content is no part of any key", { skip: runSkip }, async () => {
  await writeFile(join(place.path, "other"), "other-value");
  const { exitCode, stderr } = await build(USES, ["--secret", "id=token,src=other", "--secret", "id=variable,env=MY_SECRET"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /RUN --mount=type=secret[^\n]*\n#\d+ CACHED/);
});

test("a step that is killed leaves no secret on the disk", { skip: runSkip }, async () => {
  await writeFile(join(place.path, "killed.dockerfile"), `${BASE}RUN --mount=type=secret,id=token --mount=type=secret,id=variable,env=SEEN echo "star""ted"; sleep 4714\n`);
  const command = place.start(["build", "--root", root, "-f", join(place.path, "killed.dockerfile"), ...GIVEN, context], { env: { MY_SECRET: VALUES.env } });
  await command.shown(/\d started/);
  command.kill("SIGKILL");
  await command.ended;
  await assertNothingRuns(place.path);
  assert.deepEqual(await filesWith(root, PIECES), []);
});

test("a secret that is required and was not given is told by its id, with the flag to give it", { skip: runSkip }, async () => {
  for (const mount of ["required=true,id=absent", "required=true,id=absent,env=X"]) {
    const { exitCode, stderr } = await build(`${BASE}RUN --mount=type=secret,${mount} true\n`, []);
    assert.equal(exitCode, 66, stderr);
    assert.match(stderr, /\nERROR: failed to build: failed to solve: secret absent: not found: give it with --secret id=absent,src=PATH or --secret id=absent,env=VARIABLE\n$/);
  }
});

test("a secret that is optional and was not given is no failure", { skip: runSkip }, async () => {
  const { exitCode, stderr } = await build(`${BASE}RUN --mount=type=secret,id=absent [ ! -e /run/secrets/absent ] && echo without\n`, []);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /\d without\n/);
});

test("a build argument that is called like a secret is masked in the record and the log", { skip: runSkip }, async () => {
  const layout = join(place.path, "argument");
  const { exitCode, stderr } = await build(`${BASE}ARG NPM_TOKEN\nRUN [ -n "$NPM_TOKEN" ] && echo given\n`, ["--build-arg", `NPM_TOKEN=${VALUES.build}`, "--provenance=mode=max", "-o", `type=oci,tar=false,dest=${layout}`]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /\d given\n/);
  assert.ok(existsSync(layout));
  assert.ok(!stderr.includes(VALUES.build), stderr);
  assert.deepEqual((await filesWith(layout, [VALUES.build])).filter((path) => isStatement(path)), []);
});

/** Statements are JSON, as are configurations, whose history is the image's own. */
function isStatement(path: string): boolean {
  return readFileSync(path, "latin1").startsWith('{"_type":');
}

test("secrets and agents whose place is not absolute are where the command starts", { skip: runSkip }, async () => {
  const dockerfile = `${BASE}WORKDIR /work\nRUN --mount=type=secret,id=token,target=here/token wc -c < /work/here/token\n`;
  const { exitCode, stderr } = await build(dockerfile, ["--secret", "id=token,src=token", "--no-cache"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, new RegExp(`\\d ${VALUES.file.length}\\n`));
});

test("a secret whose file is not there, or no file, is named as it was given", { skip: runSkip }, async () => {
  const dockerfile = `${BASE}RUN --mount=type=secret,id=token cat /run/secrets/token\n`;
  assert.match((await build(dockerfile, ["--secret", "id=token,src=absent"])).stderr, /ERROR: failed to build: failed to stat absent: stat absent: no such file or directory/);
  assert.match((await build(dockerfile, ["--secret", "id=token,src=context"])).stderr, /ERROR: failed to build: failed to solve: read context: is a directory/);
});
