import assert from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { gitServerSkip, startGitServer, type GitServer } from "../../src/testing/git-server.ts";
import { RandomSecrets } from "../../src/testing/random-secrets.ts";
import { sshSkip, startTestAgent, type TestAgent } from "../../src/testing/ssh-agent.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { plant, type Planted } from "./planted.ts";
import { ByteSearch } from "./search-bytes.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const skip = runSkip || dockerRegistrySkip || gitServerSkip || sshSkip;

let [place, registry, git, web, agent] = [] as unknown as [Place, DockerRegistry, GitServer, Server, TestAgent];
let webUrl = "";
let context = "";
const secrets = new RandomSecrets(SEED);
/** Values of `--secret`, of which a step prints both. */
const lent = { file: secrets.password(), variable: secrets.password() };

before(async () => {
  if (skip !== false) return;
  [place, registry, git, agent] = await Promise.all([openPlace(), startDockerRegistry(), startGitServer(), startTestAgent()]);
  web = createServer((request, response) => void response.writeHead(request.url?.startsWith("/missing") === true ? 404 : 200).end("a file\n"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  await git.repository("lib", { "lib.txt": "from a repository\n" });
  context = await contextWithBase(place, "context", { "file.txt": "x\n" });
  await writeFile(join(place.path, "lent"), lent.file);
});

after(async () => {
  if (skip !== false) return;
  web.closeAllConnections();
  web.close();
  for (const each of [agent, git, registry, place]) await each[Symbol.asyncDispose]();
});

interface Built extends CommandRun {
  /** Everything that came out, by what it is: `statement`, `config`, `manifest`, `layer`, `log`, `metadata`, `local …`, … */
  readonly outputs: ReadonlyMap<string, Buffer>;
}

/** One build with every kind of output. */
async function build(name: string, { dockerfile, flags }: Pick<Planted, "dockerfile" | "flags">, more: readonly string[]): Promise<Built> {
  const at = (file: string): string => join(place.path, `${name}-${file}`);
  const image = `${registry.host}/planted/${name}:1`;
  const run = await place.stemmaHere([
    "build", "--progress=plain", "-f", "-", "-t", image, "--secret", "id=file,src=lent", "--secret", "id=variable,env=LENT", "--ssh", `default=${agent.keyPath}`, "--metadata-file", at("metadata.json"), "--iidfile", at("iid"),
    "-o", "type=image,push=true", "-o", `type=oci,dest=${at("oci.tar")}`, "-o", `type=local,dest=${at("local")}`, "-o", `type=tar,dest=${at("result.tar")}`, ...flags, ...more, context,
  ], { input: dockerfile, env: { LENT: lent.variable } });
  const outputs = new Map<string, Buffer>([["log", Buffer.from(run.stdout + run.stderr)]]);
  if (run.exitCode !== 0) return { ...run, outputs };
  for (const [what, bytes] of await pushed(`planted/${name}`, "1")) outputs.set(what, bytes);
  for (const file of ["metadata.json", "iid", "oci.tar", "result.tar"]) outputs.set(file, readFileSync(at(file)));
  // The base is the machine's own programs.
  for (const path of globSync("**/*", { cwd: at("local"), exclude: ["bin/**", "lib*/**", "usr/**"] })) if (statSync(join(at("local"), path)).isFile()) outputs.set(`local ${path}`, readFileSync(join(at("local"), path)));
  return { ...run, outputs };
}

const ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json";

/** All that a registry has of an image. */
async function pushed(repository: string, reference: string): Promise<ReadonlyArray<readonly [what: string, bytes: Buffer<ArrayBuffer>]>> {
  const get = async (path: string): Promise<Buffer<ArrayBuffer>> => {
    const response = await fetch(`http://${registry.host}/v2/${repository}/${path}`, { headers: { accept: ACCEPT } });
    assert.ok(response.ok, path);
    return Buffer.from(await response.arrayBuffer());
  };
  const bytes = await get(`manifests/${reference}`);
  const { manifests = [], config, layers = [] } = JSON.parse(bytes.toString("utf8")) as { manifests?: Array<{ digest: string }>; config?: { digest: string; mediaType: string }; layers?: Array<{ digest: string; mediaType: string }> };
  const nested = await Promise.all(manifests.map(({ digest }) => pushed(repository, digest)));
  const blobs = await Promise.all([...(config === undefined ? [] : [{ ...config, what: "config" }]), ...layers.map((layer) => ({ ...layer, what: layer.mediaType.includes("in-toto") ? "statement" : "layer" }))]
    .filter(({ mediaType }) => !mediaType.includes("empty")).map(async ({ what, digest }) => [`${what} ${digest}`, await get(`blobs/${digest}`)] as const));
  return [[`${manifests.length > 0 ? "index" : "manifest"} ${reference}`, bytes], ...blobs, ...nested.flat()];
}

/** Where each of these texts was found. */
function placesOf(texts: ReadonlyMap<string, string>, outputs: ReadonlyMap<string, Buffer>): ReadonlyArray<readonly [place: string, output: string]> {
  const search = new ByteSearch(texts.values());
  const names = new Map([...texts].map(([name, text]) => [text, name]));
  return [...outputs].flatMap(([output, bytes]) => [...search.in(bytes)].map((text) => [names.get(text) ?? "", output] as const));
}

/** What an image is, and what holds one: there a value that the image needs may stand. */
const OF_IMAGE = /^(?:config|manifest|layer|oci\.tar|result\.tar|local conf$|index)/;

function configOf({ outputs }: Built): { readonly history: ReadonlyArray<{ readonly created_by: string }> } {
  const bytes = [...outputs].find(([what]) => what.startsWith("config"))?.[1] ?? Buffer.from("{}");
  return JSON.parse(bytes.toString("utf8")) as ReturnType<typeof configOf>;
}

const digestOfImage = ({ outputs }: Built): string => [...outputs.keys()].find((what) => what.startsWith("config")) ?? "";

for (const mode of ["max", "min"] as const) {
  test(`with mode=${mode}, no secret of any kind, from any place, is in any byte that comes out, but where the image needs it`, { skip }, async (t) => {
    t.diagnostic(`SEED=${SEED}`);
    const planted = plant(new RandomSecrets(SEED + 1), BASE, { web: webUrl, git: git.url });
    const built = await build(`mode-${mode}`, planted, [`--provenance=mode=${mode}`, "--no-cache"]);
    assert.equal(built.exitCode, 0, built.stderr);
    const hidden = new Map([...planted.hidden, ["--secret file", lent.file], ["--secret env", lent.variable], ...readFileSync(agent.keyPath, "utf8").split("\n").filter((line) => line.length > 40).map((line, i) => [`ssh key ${i}`, line] as const)]);
    assert.ok(hidden.size > 150);
    assert.deepEqual(placesOf(hidden, built.outputs), []);
    const kept = placesOf(planted.kept, built.outputs);
    assert.deepEqual(kept.filter(([, output]) => !OF_IMAGE.test(output)), []);
    assert.deepEqual(new Set(kept.map(([name]) => name)), new Set(planted.kept.keys()), "the search finds what is there");
    for (const name of planted.kept.keys()) {
      // What no line of the Dockerfile brought has no line.
      const line = /flag\.token|^annotation/.test(name) ? "" : String.raw`Dockerfile:\d+: `;
      assert.match(built.stderr, new RegExp(` - SecretInImage: ${line}${RegExp.escape(name)} holds a secret`), name);
    }
    assert.match(built.stderr, / - SecretInHistory: Dockerfile:\d+: masked in the image's history: /);
  });
}

/** No step of it needs a sandbox. */
const SMALL = "FROM scratch\nARG NPM_TOKEN\nARG VERSION=1\nCOPY file.txt /\n";

test("the image's digest depends neither on the record's mode nor on whether there is one", { skip }, async () => {
  const flags = ["--build-arg", `NPM_TOKEN=${secrets.password()}`];
  const digests = new Set<string>();
  for (const [i, provenance] of ["mode=max", "mode=min", "false"].entries()) digests.add(digestOfImage(await build(`digest-${i}`, { dockerfile: SMALL, flags }, [`--provenance=${provenance}`])));
  assert.equal(digests.size, 1);
});

/** A RUN is needed for arguments to stand in a history; what it does is no matter. */
const WITH_RUN = `${BASE}ARG NPM_TOKEN\nARG VERSION=1\nRUN true\n`;

test("the history is BuildKit's but for the mask, and exactly BuildKit's with secrets allowed", { skip }, async () => {
  const token = secrets.password();
  const flags = ["--build-arg", `NPM_TOKEN=${token}`];
  const historyOf = (built: Built): readonly string[] => configOf(built).history.slice(2).map(({ created_by }) => created_by);
  const written = (shown: string): readonly string[] => [`ARG NPM_TOKEN=${shown}`, "ARG VERSION=1", `RUN |2 NPM_TOKEN=${shown} VERSION=1 /bin/sh -c true # buildkit`];
  const redacted = await build("redact", { dockerfile: WITH_RUN, flags }, []);
  assert.deepEqual(historyOf(redacted), written("xxxxx"));
  const allowed = await build("allow", { dockerfile: WITH_RUN, flags }, ["--secrets-in-evidence=allow", "--provenance=mode=max"]);
  assert.deepEqual(historyOf(allowed), written(token));
  assert.match(allowed.stderr, /WARNING: secrets are not masked/);
  assert.ok(placesOf(new Map([["token", token]]), allowed.outputs).some(([, output]) => output.startsWith("statement")));
});

test("--history-args=drop leaves the values of build arguments out of the history, secret or not", { skip }, async () => {
  const flags = ["--build-arg", `NPM_TOKEN=${secrets.password()}`, "--build-arg", "VERSION=none-of-yours", "--history-args=drop"];
  const built = await build("drop", { dockerfile: WITH_RUN, flags }, []);
  assert.deepEqual(configOf(built).history.slice(2).map(({ created_by }) => created_by), ["ARG NPM_TOKEN", "ARG VERSION", "RUN /bin/sh -c true # buildkit"]);
  assert.deepEqual(placesOf(new Map([["version", "none-of-yours"]]), built.outputs), []);
});

test("--history-args=drop leaves them out also where a variable stood for one, in whatever instruction, in its stage or a later one", { skip }, async () => {
  const value = `x${secrets.password()}`.toLowerCase();
  const dockerfile = [
    "FROM scratch AS one", "ARG WHAT", "WORKDIR /d/$WHAT", "WORKDIR sub", "COPY --chown=0 file.txt ${WHAT}", "ADD file.txt /added-${WHAT:-none}", 'LABEL a="$WHAT" b=c', "ENV A=$WHAT \\\n  B=b",
    "FROM one", "env C=$A", "USER $C", "VOLUME /$WHAT /v-$A", "COPY --from=one /added-$A /y", "LABEL plain=text", "",
  ].join("\n");
  const flags = ["--build-arg", `WHAT=${value}`, "--provenance=false"];
  const historyOf = (built: Built): readonly string[] => configOf(built).history.map(({ created_by }) => created_by);
  const kept = await build("expanded-kept", { dockerfile, flags }, []);
  assert.equal(kept.exitCode, 0, kept.stderr);
  assert.equal(historyOf(kept).filter((said) => said.includes(value)).length, 11, "BuildKit's has them");
  const dropped = await build("expanded-drop", { dockerfile, flags: [...flags, "--history-args=drop"] }, []);
  assert.deepEqual(historyOf(dropped), [
    "ARG WHAT", "WORKDIR /d/$WHAT", "WORKDIR sub", "COPY --chown=0 file.txt ${WHAT} # buildkit", "ADD file.txt /added-${WHAT:-none} # buildkit", 'LABEL a="$WHAT" b=c', "ENV A=$WHAT   B=b",
    "ENV C=$A", "USER $C", "VOLUME /$WHAT /v-$A", "COPY --from=one /added-$A /y # buildkit", "LABEL plain=text",
  ]);
});

test("a build without secrets has the history that BuildKit writes, and nothing is said of any", { skip }, async () => {
  const built = await build("plain", { dockerfile: WITH_RUN, flags: ["--build-arg", "VERSION=2"] }, ["--provenance=mode=max"]);
  assert.deepEqual(configOf(built).history.slice(2).map(({ created_by }) => created_by), ["ARG NPM_TOKEN", "ARG VERSION=2", "RUN |2 NPM_TOKEN= VERSION=2 /bin/sh -c true # buildkit"]);
  assert.doesNotMatch(built.stderr, /masked|SecretIn/);
  for (const [, bytes] of built.outputs) assert.ok(!bytes.includes("stemma_redacted"));
});

test("a build that is to be refused is so before a step has run, tells every line, and leaves nothing anywhere", { skip }, async () => {
  const token = secrets.password();
  const dockerfile = `${WITH_RUN}ENV API_KEY=${token}\nRUN echo step-has-run\n`;
  const run = await build("refused", { dockerfile, flags: ["--build-arg", `NPM_TOKEN=${token}`] }, ["--secrets-in-evidence=refuse", "--provenance=mode=max"]);
  assert.equal(run.exitCode, 76, run.stderr);
  for (const line of ["Dockerfile:4: would stand in the image's history: secret variable NPM_TOKEN", "Dockerfile:6: would stand in the image's history: secret variable NPM_TOKEN", "Dockerfile:7: ENV API_KEY holds a secret", "the provenance would hold a secret in build-arg:NPM_TOKEN"]) assert.ok(run.stderr.includes(line), `${line} is not in ${run.stderr}`);
  assert.match(run.stderr, /ERROR: failed to build: refused: \d+ secrets would be published/);
  assert.doesNotMatch(run.stderr, /step-has-run\n#|SecretInImage/);
  assert.ok(!run.stderr.includes(token));
  assert.deepEqual(globSync(join(place.path, "refused-*")), []);
  assert.equal((await fetch(`http://${registry.host}/v2/planted/refused/tags/list`)).status, 404);
});

test("a build that is to be refused and has nothing to hide is built", { skip }, async () => {
  const built = await build("innocent", { dockerfile: SMALL, flags: [] }, ["--secrets-in-evidence=refuse", "--provenance=mode=max"]);
  assert.equal(built.exitCode, 0, built.stderr);
});

test("mode=min leaves no value of a build argument in record or metadata file, secret or not, and no name", { skip }, async () => {
  const built = await build("min", { dockerfile: SMALL, flags: ["--build-arg", "VERSION=none-of-yours", "--label", "x=neither-of-yours"] }, ["--provenance=mode=min"]);
  for (const [what, bytes] of built.outputs) {
    if (!/^(?:statement|metadata)/.test(what)) continue;
    for (const text of ["none-of-yours", "neither-of-yours", "build-arg:VERSION"]) assert.ok(!bytes.includes(text), `${text} is in ${what}`);
  }
});

/** Builds that fail, each in another place; `@` is a fresh secret. */
const FAILURES: ReadonlyArray<readonly [title: string, dockerfile: string, flags: readonly string[]]> = [
  ["a command that fails, with its output", `${BASE}ARG NPM_TOKEN=@\nRUN X_SECRET=@; echo "said $NPM_TOKEN and https://u:@@h/ and $X_SECRET"; exit 3\n`, ["--build-arg", "NPM_TOKEN=@"]],
  ["a secret that a command prints before it fails", `${BASE}RUN --mount=type=secret,id=file cat /run/secrets/file; exit 3\n`, []],
  ["an unknown instruction beside a secret", "FROM scratch\nENV A_TOKEN=@\nRUM --password @\n", []],
  ["an address that is not there", "FROM scratch\nADD WEB/missing?access_token=@ /x\n", []],
  ["a repository that is not there", "FROM scratch\nADD GIT/missing.git#main /x\n", []],
  ["a context that is not there", "FROM scratch\nCOPY --from=lib / /\n", ["--build-context", "lib=GIT/missing.git"]],
  ["a file that is not there", "FROM scratch\nARG A_TOKEN=@\nCOPY missing-$A_TOKEN /x\n", ["--build-arg", "A_TOKEN=@"]],
  ["an image that is not there", "ARG A_TOKEN=@\nFROM REGISTRY/no/such:${A_TOKEN}\n", []],
  ["a flag that cannot be", SMALL, ["--build-context", "x=nothing://user:@@h/"]],
  ["a secret's flag with a value", SMALL, ["--secret", "id=x,value=@,token=@"]],
  ["an output that cannot be", SMALL, ["--output", "type=oci,dest=/nowhere,password=@"]],
];

for (const [title, dockerfile, flags] of FAILURES) {
  test(`what is said of a failure shows no secret: ${title}`, { skip }, async () => {
    const planted = new Map<string, string>([["--secret", lent.file]]);
    const fill = (text: string): string => text.replaceAll("WEB", webUrl.replace("://", "://user:@§")).replaceAll("GIT", git.url.replace("://", "://user:@§")).replaceAll("REGISTRY", registry.host).replaceAll("@@", "@§").replaceAll("@", () => {
      const secret = secrets.password().toLowerCase();
      planted.set(`${planted.size}`, secret);
      return secret;
    }).replaceAll("§", "@");
    const run = await build("failure", { dockerfile: fill(dockerfile), flags: flags.map(fill) }, []);
    assert.notEqual(run.exitCode, 0);
    assert.deepEqual(placesOf(planted, run.outputs), [], run.stderr);
    assert.match(run.stderr, /ERROR: /);
  });
}

test("a repository as context, and a call instead of a build, show no secret either", { skip }, async () => {
  const password = secrets.password();
  const token = secrets.password();
  await git.repository("app", { Dockerfile: `FROM scratch\nARG A_TOKEN=${token}\nCOPY Dockerfile /\n` });
  const url = `${git.url.replace("://", `://user:${password}@`)}/app.git`;
  const texts = new Map([["password", password], ["token", token]]);
  const layout = join(place.path, "app.tar");
  const run = await place.stemmaHere(["build", "--progress=plain", "--provenance=mode=max", "-o", `type=oci,dest=${layout}`, "--metadata-file", join(place.path, "app.json"), url]);
  assert.equal(run.exitCode, 0, run.stderr);
  const outputs = new Map<string, Buffer>([["log", Buffer.from(run.stdout + run.stderr)], ["layout", readFileSync(layout)], ["metadata", readFileSync(join(place.path, "app.json"))]]);
  // The image has the file itself.
  assert.deepEqual(placesOf(texts, outputs).filter(([name]) => name === "password"), []);
  assert.deepEqual(placesOf(texts, outputs).filter(([, output]) => output !== "layout"), []);
  for (const call of ["outline", "outline,format=json", "check", "check,format=json", "targets,format=json"]) {
    const asked = await place.stemmaHere(["build", "--progress=plain", `--call=${call}`, url]);
    assert.ok(asked.stdout.length > 0, asked.stderr);
    assert.deepEqual(placesOf(texts, new Map([[call, Buffer.from(asked.stdout + asked.stderr)]])), [], asked.stdout);
  }
});

test("the search finds a text in whatever it is wrapped", () => {
  const text = secrets.password();
  const wrapped = [text, Buffer.from(`ab${text}cd`).toString("base64"), encodeURIComponent(`"${text}"`), JSON.stringify({ a: Buffer.from(JSON.stringify({ b: Buffer.from(`x${text}`).toString("base64") })).toString("base64") })];
  for (const each of wrapped) assert.ok(new ByteSearch([text]).in(Buffer.from(`before ${each} behind`)).has(text), each);
  const archive = Buffer.concat([Buffer.from("tar"), gzipSync(Buffer.concat([Buffer.from("inner"), gzipSync(text), Buffer.alloc(9)])), Buffer.alloc(512)]);
  assert.ok(new ByteSearch([text]).in(archive).has(text));
});
