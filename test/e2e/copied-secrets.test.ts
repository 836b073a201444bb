import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lookAlikes } from "../../src/testing/look-alikes.ts";
import { RandomSecrets } from "../../src/testing/random-secrets.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { BASE, contextWithBase, makeContext, runSkip, type Files } from "./small-base.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const secrets = new RandomSecrets(SEED);
const key = secrets.privateKey("OPENSSH ");
const lent = secrets.password();

/** Each kind of file that nobody means to publish, with the words that tell its secret. */
const LEAKY: Readonly<Record<string, readonly [content: string, told: string]>> = {
  ".env": [`MODE=fast\nDB_PASSWORD=${lent}\n`, "secret variable DB_PASSWORD in line 2"],
  "app/.env.production": [`SESSION_SECRET=${secrets.password()}\n`, "secret variable SESSION_SECRET in line 1"],
  ".npmrc": [`//registry.example/:_authToken=${secrets.password()}\n`, "secret variable _authToken in line 1"],
  ".netrc": [`machine h login me password ${secrets.password()}\n`, "authorization in line 1"],
  ".git-credentials": [`https://me:${secrets.password()}@github.com\n`, "url credentials in line 1"],
  ".ssh/id_ed25519": [[key.begin, ...key.body, key.end, ""].join("\n"), "private key in line 1"],
  ".aws/credentials": [`[default]\naws_secret_access_key = ${secrets.letters("abcDEF0123456789+/", 40)}\n`, "secret variable aws_secret_access_key in line 2"],
  ".docker/config.json": [`{"auths":{"h":{"auth":"${Buffer.from(`me:${secrets.password()}`).toString("base64")}"}}}\n`, "secret variable auth in line 1"],
  ...Object.fromEntries(secrets.all().map(({ kind, text }) => [`src/${kind}.ts`, [`// a client\nconst client = open("${text}");\n`, "token in line 2"] as const])),
};
const FILES: Files = Object.fromEntries(Object.entries(LEAKY).map(([path, [content]]) => [path, content]));
const INNOCENT: Files = { "main.ts": 'const password = ask("password: ");\n', ...Object.fromEntries(Object.entries(lookAlikes(SEED)).map(([kind, text]) => [`like/${kind.replaceAll(" ", "-")}`, `${text}\n`])) };

let place: Place;
before(async () => {
  place = await openPlace();
});
after(async () => await place[Symbol.asyncDispose]());

interface Build {
  readonly name: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly flags?: readonly string[];
}

async function build({ name, context, dockerfile, flags = [] }: Build): Promise<CommandRun> {
  const result = ["-o", `type=tar,dest=${join(place.path, `${name}.tar`)}`, "-o", `type=oci,dest=${join(place.path, `${name}.oci`)}`, "--metadata-file", join(place.path, `${name}.json`)];
  return await place.stemma(["build", "--progress=plain", "-f", "-", ...result, ...flags, context], { input: dockerfile });
}

/** The lines that a build said of files, without what they have in common. */
function told({ stderr }: CommandRun): readonly string[] {
  return [...stderr.matchAll(/ - SecretInImage: (.*?)(?:: leave it out|$)/gm)].map(([, said = ""]) => said);
}

test("each file of the context with a secret is told, with its place there, in the image, and the line that copied it", async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const context = await makeContext(place, "leaky", { ...FILES, ...INNOCENT });
  const dockerfile = `FROM scratch\n# ${"nothing"}\n${Object.keys(FILES).map((path) => `COPY ["${path}", "/in/${path}"]`).join("\n")}\nCOPY main.ts like /\n`;
  for (const round of ["cold", "from the cache"]) {
    const run = await build({ name: "leaky", context, dockerfile });
    assert.equal(run.exitCode, 0, run.stderr);
    const expected = Object.entries(LEAKY).map(([path, [, what]], i) => `Dockerfile:${i + 3}: ${path} holds a secret (${what}), and the image keeps it as /in/${path}`);
    assert.deepEqual(told(run), [...expected.slice(0, 20), `${expected.length - 20} more files of the image hold secrets`], round);
    for (const text of [lent, ...key.body]) assert.ok(!run.stderr.includes(text), "the value itself is not told");
  }
  const files = readFileSync(join(place.path, "leaky.tar"));
  for (const content of Object.values(FILES)) assert.ok(files.includes(Buffer.from(content)), "the image has its files as they are");
});

test("what does not come into the image is not told; what comes through another stage is, at the line that brought it", { skip: runSkip }, async () => {
  const context = await contextWithBase(place, "stages", { ...FILES, ".dockerignore": ".npmrc\n" });
  const builder = `${BASE.replace("scratch", "scratch AS b")}COPY . /src/\nRUN cp /src/.netrc /home\n`;
  const run = await build({ name: "stages", context, dockerfile: `${builder}FROM scratch\nCOPY --from=b /home /x\n` });
  assert.deepEqual(told(run), ["Dockerfile:7: .netrc holds a secret (authorization in line 1), and the image keeps it as /x"]);
  const deleted = await build({ name: "deleted", context, dockerfile: `${BASE}COPY .env /\nRUN rm /.env\n` });
  assert.deepEqual(told(deleted), ["Dockerfile:4: .env holds a secret (secret variable DB_PASSWORD in line 2), and the image keeps it as /.env"], "it is in the layer before");
  const mounted = await build({ name: "mounted", context, dockerfile: `${BASE}RUN --mount=type=bind,source=.netrc,target=/n cp /n /kept\n` });
  assert.deepEqual(told(mounted), ["Dockerfile:4: .netrc holds a secret (authorization in line 1), and the image keeps it as /kept"]);
  const everything = await build({ name: "everything", context, dockerfile: "FROM scratch\nCOPY --link . /\n" });
  assert.ok(!told(everything).some((line) => line.includes(".npmrc")), "ignored");
});

test("with refuse, a build that would publish such a file ends before it does, and tells all of them", async () => {
  const context = await makeContext(place, "refused", { ".env": FILES[".env"] ?? "", ".npmrc": FILES[".npmrc"] ?? "" });
  const dockerfile = "FROM scratch\nCOPY .env /\nCOPY .npmrc /\n";
  const run = await build({ name: "refused", context, dockerfile, flags: ["--secrets-in-evidence=refuse"] });
  assert.equal(run.exitCode, 76, run.stderr);
  for (const line of ["Dockerfile:2: .env holds a secret", "Dockerfile:3: .npmrc holds a secret"]) assert.ok(run.stderr.includes(line), run.stderr);
  for (const file of ["refused.tar", "refused.oci", "refused.json"]) assert.ok(!existsSync(join(place.path, file)), file);
  const allowed = await build({ name: "allowed", context, dockerfile, flags: ["--secrets-in-evidence=allow"] });
  assert.deepEqual([allowed.exitCode, told(allowed)], [0, []]);
  // What was read without a look is looked at when somebody asks.
  assert.equal(told(await build({ name: "asked", context, dockerfile })).length, 2);
  const innocent = await makeContext(place, "innocent", INNOCENT);
  assert.equal((await build({ name: "innocent", context: innocent, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--secrets-in-evidence=refuse"] })).exitCode, 0);
});
