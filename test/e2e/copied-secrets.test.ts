import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { gitServerSkip, startGitServer } from "../../src/testing/git-server.ts";
import { serve } from "../../src/testing/http-fixture.ts";
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
  return await place.stemmaHere(["build", "--progress=plain", "-f", "-", ...outputs(name), ...flags, context], { input: dockerfile });
}

function outputs(name: string): readonly string[] {
  return ["-o", `type=tar,dest=${join(place.path, `${name}.tar`)}`, "-o", `type=oci,dest=${join(place.path, `${name}.oci`)}`, "--metadata-file", join(place.path, `${name}.json`)];
}

/** An archive of these files, which hold nothing but ASCII. */
async function archive(name: string, files: Files): Promise<string> {
  const path = join(place.path, `${name}.tar`);
  await place.run(["tar", "-C", await makeContext(place, name, files), "-cf", path, "."]);
  return path;
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

const TWO_LEAKY: Files = { "app/.env": FILES[".env"] ?? "", "src/a.ts": FILES["src/npm.ts"] ?? "", "unused/.env": `OTHER_PASSWORD=${secrets.password()}\n`, "main.ts": INNOCENT["main.ts"] ?? "" };
const ENV_TOLD = "holds a secret (secret variable DB_PASSWORD in line 2), and the image keeps it as";
const TOKEN_TOLD = "holds a secret (token in line 2), and the image keeps it as";

test("a file of a repository is told as one of a directory is: of a context, of ADD, of a named context, and through another stage", { skip: gitServerSkip || runSkip }, async () => {
  await using server = await startGitServer();
  const repository = await server.repository("leaky", { ...(TWO_LEAKY as Readonly<Record<string, string>>), Dockerfile: "FROM scratch\nCOPY app src main.ts /in/\n" });
  const url = `${server.url}/leaky.git`;
  const allowed = await place.stemmaHere(["build", "--progress=plain", ...outputs("git"), "--secrets-in-evidence=allow", `${url}#main`]);
  assert.deepEqual([allowed.exitCode, told(allowed)], [0, []]);
  for (const round of ["with all steps from the cache, and no look before", "once more"]) {
    const run = await place.stemmaHere(["build", "--progress=plain", ...outputs("git"), `${url}#main`]);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.deepEqual(told(run), [`Dockerfile:2: ${url}#main:app/.env ${ENV_TOLD} /in/.env`, `Dockerfile:2: ${url}#main:src/a.ts ${TOKEN_TOLD} /in/a.ts`], round);
  }
  const context = await contextWithBase(place, "git-add", {});
  const added = await build({ name: "added", context, dockerfile: `FROM scratch\nADD ${url} /r\n` });
  assert.deepEqual(told(added).toSorted(), [`Dockerfile:2: ${url}#:app/.env ${ENV_TOLD} /r/app/.env`, `Dockerfile:2: ${url}#:src/a.ts ${TOKEN_TOLD} /r/src/a.ts`, `Dockerfile:2: ${url}#:unused/.env holds a secret (secret variable OTHER_PASSWORD in line 1), and the image keeps it as /r/unused/.env`]);
  const dockerfile = `${BASE.replace("scratch", "scratch AS b")}COPY --from=lib . /src/\nRUN cp /src/app/.env /kept\nFROM scratch\nCOPY --from=b /kept /x\n`;
  assert.deepEqual(told(await build({ name: "named", context, dockerfile, flags: ["--build-context", `lib=${url}#main`] })), [`Dockerfile:7: ${url}#main:app/.env ${ENV_TOLD} /x`]);
  await repository.commit({ "app/.env": "MODE=fast\n" });
  assert.deepEqual(told(await place.stemmaHere(["build", "--progress=plain", ...outputs("git"), `${url}#main`])), [`Dockerfile:2: ${url}#main:src/a.ts ${TOKEN_TOLD} /in/a.ts`], "of another commit");
});

test("a file of the web, of an archive that is unpacked, and of one that is the context is told", async () => {
  const tar = await archive("packed", TWO_LEAKY);
  const withDockerfile = readFileSync(await archive("packed-context", { ...TWO_LEAKY, Dockerfile: "FROM scratch\nCOPY app src /in/\n" }));
  await using web = await serve((request, response) => void response.end(request.url === "/ctx.tar" ? withDockerfile : request.url === "/packed.tar" ? readFileSync(tar) : FILES[".env"]));
  const context = await makeContext(place, "with-archive", { "deps.tar": readFileSync(tar), "plain/.env": FILES[".env"] ?? "" });
  const dockerfile = `FROM scratch\nADD ${web.origin}/conf/.env?key=1 /conf\nADD deps.tar /opt/deps/\nADD --unpack=true ${web.origin}/packed.tar /web\nADD ${web.origin}/packed.tar /kept.tar\n`;
  for (const round of ["cold", "from the cache"]) {
    const packed = (line: number, archivePath: string, imagePath: string): readonly string[] => [
      `Dockerfile:${line}: ${archivePath}:app/.env ${ENV_TOLD} /${imagePath}/app/.env`,
      `Dockerfile:${line}: ${archivePath}:src/a.ts ${TOKEN_TOLD} /${imagePath}/src/a.ts`,
      `Dockerfile:${line}: ${archivePath}:unused/.env holds a secret (secret variable OTHER_PASSWORD in line 1), and the image keeps it as /${imagePath}/unused/.env`,
    ];
    const run = await build({ name: "web", context, dockerfile });
    assert.equal(run.exitCode, 0, run.stderr);
    assert.deepEqual(told(run), [`Dockerfile:2: ${web.origin}/conf/.env?… ${ENV_TOLD} /conf`, ...packed(3, "deps.tar", "opt/deps"), ...packed(4, `${web.origin}/packed.tar`, "web")], round);
  }
  for (const round of ["cold", "from the cache"]) {
    const run = await place.stemmaHere(["build", "--progress=plain", ...outputs("stdin"), "-"], { input: withDockerfile.toString("latin1") });
    assert.equal(run.exitCode, 0, run.stderr);
    assert.deepEqual(told(run), [`Dockerfile:2: app/.env ${ENV_TOLD} /in/.env`, `Dockerfile:2: src/a.ts ${TOKEN_TOLD} /in/a.ts`], round);
  }
  const remote = await place.stemmaHere(["build", "--progress=plain", ...outputs("remote"), `${web.origin}/ctx.tar`]);
  assert.deepEqual(told(remote), [`Dockerfile:2: ${web.origin}/ctx.tar:app/.env ${ENV_TOLD} /in/.env`, `Dockerfile:2: ${web.origin}/ctx.tar:src/a.ts ${TOKEN_TOLD} /in/a.ts`]);
});

test("with refuse, nothing comes to a registry whatever the secret is in: no tag, no manifest, no blob, no cache", { skip: dockerRegistrySkip }, async () => {
  await using registry = await startDockerRegistry();
  const leaky = `NPM_TOKEN=${secrets.password()}`;
  const scanned = `Package: hello\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nHomepage: https://me:${secrets.password()}@example.com/\n\n`;
  const context = await makeContext(place, "pushed", { ".env": FILES[".env"] ?? "", "var/lib/dpkg/status": scanned, "main.ts": "x\n" });
  const push = async (dockerfile: string, ...flags: readonly string[]): Promise<CommandRun> =>
    await place.stemmaHere(["build", "--progress=plain", "-f", "-", "-t", `${registry.host}/app:1`, "--push", "--secrets-in-evidence=refuse", "--cache-to", `type=registry,ref=${registry.host}/cache:1,mode=max`, ...flags, context], { input: `FROM scratch\nCOPY main.ts /\n${dockerfile}` });
  const uploaded = (): readonly string[] => globSync("docker/registry/v2/{blobs,repositories}/**", { cwd: registry.storage });
  for (const [what, says, refused] of [
    ["a file", /\.env holds a secret/, await push("COPY .env /\n")],
    ["ENV, LABEL, and a file of the Dockerfile", /ENV NPM_TOKEN holds a secret[^]*LABEL NPM_TOKEN holds a secret[^]*COPY <<EOF holds a secret/, await push(`ENV ${leaky}\nLABEL ${leaky}\nCOPY <<EOF /conf\n${leaky}\nEOF\n`)],
    ["the record", /provenance would hold a secret/, await push("ARG NPM_TOKEN\n", "--provenance=mode=max", "--build-arg", leaky)],
    ["the SBOM", /sbom\.spdx\.json would hold a secret/, await push("COPY var /var\n", "--sbom=true")],
  ] as const) {
    assert.equal(refused.exitCode, 76, `${what}: ${refused.stderr}`);
    assert.match(refused.stderr, says);
    assert.deepEqual(uploaded(), [], what);
  }
  assert.deepEqual(await (await fetch(`http://${registry.host}/v2/_catalog`)).json(), { repositories: [] });
  const innocent = await push("");
  assert.equal(innocent.exitCode, 0, innocent.stderr);
  assert.ok(uploaded().some((path) => path.endsWith("/app/_manifests/tags/1/current/link")));
});
