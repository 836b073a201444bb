import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../src/testing/eventually.ts";
import { COMMIT_SECONDS, gitServerSkip, startGitServer, type GitRepository, type GitServer } from "../../src/testing/git-server.ts";
import { listXattrs, setXattr } from "../../src/syscall/xattr.ts";
import { COMMAND } from "../../src/testing/command-path.ts";
import { openPlace, type Place, type HereOptions } from "./command.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { makeContext } from "./small-base.ts";

let place: Place;
let builds = 0;

before(async () => {
  place = await openPlace();
  await startWeb();
});

after(async () => {
  web.close();
  await place[Symbol.asyncDispose]();
});

interface Result {
  readonly stderr: string;
  readonly text: (path: string) => Promise<string>;
  /** The predicate of the provenance. */
  readonly provenance: () => Promise<Predicate>;
}

interface Predicate {
  readonly buildDefinition: {
    readonly externalParameters: { readonly configSource: { readonly uri?: string; readonly digest?: Record<string, string>; readonly path?: string }; readonly request: { readonly args?: Record<string, string> } };
    readonly resolvedDependencies?: ReadonlyArray<{ readonly uri: string; readonly digest: Record<string, string> }>;
  };
}

/** Builds to a directory. Fails the test where the build fails. */
async function build(args: readonly string[], options: HereOptions = {}): Promise<Result> {
  const out = join(place.path, `out-${builds++}`);
  const { exitCode, stderr } = await place.stemmaHere(["build", "-o", `type=local,dest=${out}`, "--provenance", "mode=max", ...args], options);
  assert.equal(exitCode, 0, stderr);
  return {
    stderr,
    text: (path) => readFile(join(out, path), "utf8"),
    // The statement is BuildKit's; the parts that are looked at are named above.
    provenance: async () => (JSON.parse(await readFile(join(out, "provenance.json"), "utf8")) as { predicate: Predicate }).predicate,
  };
}

async function fails(args: readonly string[], status: number, says: RegExp, options: HereOptions = {}): Promise<void> {
  const { exitCode, stderr } = await place.stemmaHere(["build", ...args], options);
  assert.match(/^ERROR: [^]*/m.exec(stderr)?.[0].trimEnd() ?? "", says);
  assert.equal(exitCode, status, stderr);
}

let server: GitServer;
let repository: GitRepository;
let url: string;
let commit: string;

test("extended attributes of a context are neither in layers nor in files that are put out", async (t) => {
  const context = await makeContext(place, "attributes", { Dockerfile: "FROM scratch\nCOPY f /\n", f: "f" });
  try {
    setXattr(join(context, "f"), "user.demo", Buffer.from("x"));
  } catch (error) {
    return t.skip(`no such attributes here: ${String(error)}`);
  }
  const out = join(place.path, "attributes-out");
  const { exitCode, stderr } = await place.stemmaHere(["build", "-o", `type=local,dest=${out}`, "-o", `type=tar,dest=${out}.tar`, "-o", `type=oci,dest=${out}.oci,compression=uncompressed`, context]);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(listXattrs(join(out, "f")), []);
  for (const archive of [".tar", ".oci"]) assert.ok(!(await readFile(`${out}${archive}`)).includes("user.demo"), archive);
});

test("named contexts stand in the record as buildx asks for them", async () => {
  const context = await makeContext(place, "names", { Dockerfile: "FROM scratch\nCOPY --from=tools a /\nCOPY --from=dockerfile b /\n" });
  const named = await Promise.all([["tools", "a"], ["dockerfile", "b"]].map(async ([name = "", file = ""]) => `${name}=${await makeContext(place, `named-${name}`, { [file]: file })}`));
  const { text, provenance } = await build([...named.flatMap((each) => ["--build-context", each]), context]);
  assert.deepEqual([await text("a"), await text("b")], ["a", "b"]);
  const { args } = (await provenance()).buildDefinition.externalParameters.request;
  assert.deepEqual(args, { "context:dockerfile": "local:_dockerfile", "context:tools": "local:tools", "frontend.caps": "moby.buildkit.frontend.contexts+forward" });
});

describe("a Git repository", { skip: gitServerSkip }, () => {
  before(async () => {
    server = await startGitServer();
    repository = await server.repository("app", { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "top\n", "sub/Dockerfile": "FROM scratch\nCOPY b /b\n", "sub/b": "sub\n", "other.dockerfile": "FROM scratch\nCOPY a /other\n" });
    commit = await repository.git("rev-parse", "HEAD");
    url = `${server.url}/app.git`;
  });

  test("is a context, named in the record with its commit, whatever repository the command stands in", async () => {
    const cwd = await makeContext(place, "elsewhere", { x: "x" });
    await place.run(["git", "init", "-q", cwd]);
    const { text, provenance, stderr } = await build([`${url}#main`], { cwd });
    assert.equal(await text("a"), "top\n");
    assert.match(stderr, new RegExp(`\\[internal\\] load git source ${url}#main`));
    const { externalParameters, resolvedDependencies } = (await provenance()).buildDefinition;
    assert.deepEqual(externalParameters.configSource, { uri: `${url}#main`, digest: { sha1: commit }, path: "Dockerfile" });
    assert.deepEqual(resolvedDependencies, [{ uri: `${url}#main`, digest: { sha1: commit } }]);
    assert.doesNotMatch(JSON.stringify(externalParameters), /vcs/);
  });

  test("gives a part of itself, in both forms of its URL", async () => {
    for (const context of [`${url}#main:sub`, `${url}?branch=main&subdir=sub`]) {
      const { text, provenance } = await build([context]);
      assert.equal(await text("b"), "sub\n");
      const { configSource, request } = (await provenance()).buildDefinition.externalParameters;
      assert.deepEqual(configSource.digest, { sha1: commit });
      assert.equal(request.args?.["frontend.caps"], context.includes("?") ? "moby.buildkit.frontend.gitquerystring" : undefined);
    }
  });

  test("has its Dockerfile inside, or on this machine, or on standard input", async () => {
    assert.equal(await (await build(["-f", "other.dockerfile", url])).text("other"), "top\n");
    const here = await makeContext(place, "here", { "my.dockerfile": "FROM scratch\nCOPY a /mine\n" });
    assert.equal(await (await build(["-f", join(here, "my.dockerfile"), url])).text("mine"), "top\n");
    const piped = await build(["-f", "-", url], { input: "FROM scratch\nCOPY a /piped\n" });
    assert.equal(await piped.text("piped"), "top\n");
    const { configSource, request } = (await piped.provenance()).buildDefinition.externalParameters;
    assert.deepEqual([configSource.path, request.args], ["Dockerfile", { dockerfilekey: "dockerfile" }]);
  });

  test("is added by a Dockerfile, and is a named context", async () => {
    const context = await makeContext(place, "adds", { Dockerfile: `FROM scratch\nADD ${url}#main:sub /added\nCOPY --from=src a /named\n` });
    const { text, provenance } = await build(["--build-context", `src=${url}`, context]);
    assert.equal(await text("added/b"), "sub\n");
    assert.equal(await text("named"), "top\n");
    assert.deepEqual((await provenance()).buildDefinition.resolvedDependencies, [{ uri: url, digest: { sha1: commit } }, { uri: `${url}#main`, digest: { sha1: commit } }]);
  });
});

describe("a Git repository as it changes", { skip: gitServerSkip }, () => {
  after(() => server[Symbol.asyncDispose]());

  test("tells the time for SOURCE_DATE_EPOCH=context", async () => {
    const { text } = await build(["--build-arg", "SOURCE_DATE_EPOCH=context", "-f", "-", url], { input: "FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY <<EOF /epoch\n${SOURCE_DATE_EPOCH}\nEOF\n" });
    assert.equal(await text("epoch"), `${COMMIT_SECONDS}\n`);
  });

  test("that has not changed is asked for its branch alone", async () => {
    await build([url]);
    const seen = server.requests.length;
    await build([url]);
    assert.deepEqual(server.requests.slice(seen).map(({ path }) => path), ["GET /app.git/info/refs", "POST /app.git/git-upload-pack"]);
    await repository.commit({ a: "new\n" });
    assert.equal(await (await build([url])).text("a"), "new\n");
  });

  test("that is not there, or has no such part, is told", async () => {
    await fails([`${server.url}/absent.git`], 69, /^ERROR: failed to build: failed to solve: failed to read dockerfile: failed to load cache key: error fetching default branch for repository http:\/\/127\.0\.0\.1:\d+\/absent\.git: git stderr:\n/);
    await fails([`${url}#nope`], 69, /^ERROR: failed to build: failed to solve: failed to read dockerfile: failed to load cache key: repository does not contain ref nope, output: ""$/);
    await fails([`${url}?ref=a&branch=b`], 64, /^ERROR: failed to build: failed to solve: ref conflicts: "a" vs "refs\/heads\/b"$/);
    await assertNothingRuns(place.path);
    assertNoWorkLeft(join(place.path, "data/stemma"));
  });

  test("that asks who we are is told by a secret, which is seen nowhere", async () => {
    const token = "gh-s3cr3t-t0ken";
    await using closed = await startGitServer({ authorization: `basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}` });
    await closed.repository("private", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "private\n" });
    await fails([`${closed.url}/private.git`], 77, /--secret id=GIT_AUTH_TOKEN/);
    const { text, stderr, provenance } = await build(["--secret", "id=GIT_AUTH_TOKEN,env=TOKEN", `${closed.url}/private.git`], { env: { TOKEN: token } });
    assert.equal(await text("a"), "private\n");
    assert.doesNotMatch(stderr + JSON.stringify(await provenance()), new RegExp(token));
  });
});

test("a build that is killed while it fetches keeps nobody from the repository", { skip: gitServerSkip }, async () => {
  await using slow = await startGitServer({ silent: true });
  const served = await slow.repository("slow", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "slow\n" });
  // By its hash a commit is fetched at once, without a question before.
  const context = `${slow.url}/slow.git#${await served.git("rev-parse", "HEAD")}`;
  const killed = place.start(["build", context]);
  await eventually("the server is asked", () => slow.requests.length > 0);
  killed.kill("SIGKILL");
  await killed.ended;
  const next = build([context]);
  await delay(1000);
  slow.speak();
  assert.equal(await (await next).text("a"), "slow\n");
  await assertNothingRuns(place.path);
  assertNoWorkLeft(join(place.path, "data/stemma"));
});

const MODIFIED = "Sun, 13 Sep 2020 12:26:40 GMT";
const webFiles = new Map<string, Buffer>();
let web: Server;
let site: string;
let requests = 0;

async function startWeb(): Promise<void> {
  const directory = await makeContext(place, "tarred", { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "from a tar\n", "other/Dockerfile": "FROM scratch\nCOPY a /o\n" });
  await place.run(["tar", "-C", directory, "-czf", join(place.path, "context.tar.gz"), "."]);
  webFiles.set("/context.tar.gz", await readFile(join(place.path, "context.tar.gz")));
  webFiles.set("/Dockerfile", Buffer.from("FROM scratch\nCOPY <<EOF /alone\nalone\nEOF\n"));
  web = createServer((request, response) => {
    requests++;
    const file = webFiles.get(request.url ?? "");
    const isKnown = request.headers["if-modified-since"] === MODIFIED;
    if (file !== undefined && isKnown) return void response.writeHead(304).end();
    response.writeHead(file === undefined ? 404 : 200, { "last-modified": MODIFIED }).end(file);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  site = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
}

const sha256 = (path: string): Record<string, string> => ({ sha256: createHash("sha256").update(webFiles.get(path) ?? "").digest("hex") });

describe("a web address", () => {
  test("of an archive is a context, and stands in the record with its digest", async () => {
    const { text, provenance } = await build([`${site}/context.tar.gz`]);
    assert.equal(await text("a"), "from a tar\n");
    const { externalParameters, resolvedDependencies } = (await provenance()).buildDefinition;
    assert.deepEqual(externalParameters.configSource, { uri: `${site}/context.tar.gz`, digest: sha256("/context.tar.gz"), path: "Dockerfile" });
    assert.deepEqual(resolvedDependencies, [{ uri: `${site}/context.tar.gz`, digest: sha256("/context.tar.gz") }]);
    assert.equal(await (await build(["-f", "other/Dockerfile", `${site}/context.tar.gz`])).text("o"), "from a tar\n");
  });

  test("of a Dockerfile is a build without a context", async () => {
    assert.equal(await (await build([`${site}/Dockerfile`])).text("alone"), "alone\n");
  });

  test("that a step has fetched before under its own name is a context as well", async () => {
    webFiles.set("/added", Buffer.from("FROM scratch\nCOPY <<EOF /added\nadded\nEOF\n"));
    const context = await makeContext(place, "adds", { Dockerfile: `FROM scratch\nADD ${site}/added /named\n` });
    assert.equal(await (await build([context])).text("named"), webFiles.get("/added")?.toString());
    assert.equal(await (await build([`${site}/added`])).text("added"), "added\n");
  });

  test("tells the time for SOURCE_DATE_EPOCH=context by Last-Modified", async () => {
    const { text } = await build(["--build-arg", "SOURCE_DATE_EPOCH=context", "-f", "-", `${site}/context.tar.gz`], { input: "FROM scratch\nARG SOURCE_DATE_EPOCH\nCOPY <<EOF /epoch\n${SOURCE_DATE_EPOCH}\nEOF\n" });
    assert.equal(await text("epoch"), "1600000000\n");
  });

  test("is a named context", async () => {
    const context = await makeContext(place, "named-web", { Dockerfile: "FROM scratch\nCOPY --from=web context /file\n" });
    assert.equal(await (await build(["--build-context", `web=${site}/Dockerfile`, context])).text("file"), webFiles.get("/Dockerfile")?.toString());
  });

  test("that is not there is told", async () => {
    await fails([`${site}/absent`], 69, /failed to solve: failed to read downloaded context: failed to load cache key: invalid response status 404 for http:\/\/127\.0\.0\.1:\d+\/absent/);
  });
});

test("a Dockerfile at a web address is for whatever context, and among the materials", async () => {
  webFiles.set("/apart", Buffer.from("FROM scratch\nCOPY a /apart\n"));
  const credentials = site.replace("//", "//user:word@");
  const here = await makeContext(place, "apart", { Dockerfile: "nothing to be built", "Dockerfile.dockerignore": "a", a: "from here\n" });
  const { text, provenance } = await build(["-f", `${credentials}/apart`, here]);
  assert.equal(await text("apart"), "from here\n");
  const { externalParameters, resolvedDependencies } = (await provenance()).buildDefinition;
  assert.deepEqual(externalParameters.configSource, { path: "Dockerfile" });
  assert.deepEqual(resolvedDependencies, [{ uri: `${site.replace("//", "//xxxxx:xxxxx@")}/apart`, digest: sha256("/apart") }]);
  assert.equal(await (await build(["-f", `${site}/apart`, `${site}/context.tar.gz`])).text("apart"), "from a tar\n");
  const { stdout } = await place.stemmaHere(["history", "ls", "--format", "json"]);
  assert.ok(!stdout.includes("user:word"), stdout);
  const policies = await makeContext(place, "apart-denied", { a: "a", "policy.rego": "package docker\ndefault allow := true\nallow := false if input.http\ndecision := {\"allow\": allow}\n" });
  const asked = requests;
  await fails(["--policy", "filename=policy.rego", "-f", `${site}/apart`, policies], 1, /source "http:\/\/127\.0\.0\.1:\d+\/apart" not allowed by policy/);
  assert.equal(requests, asked, "nobody was asked for it");
  await fails(["-f", `${site}/absent`, here], 69, /failed to solve: failed to read dockerfile: failed to load cache key: invalid response status 404 for http:\/\/127\.0\.0\.1:\d+\/absent/);
});

test("what is no web address is told as that, wherever one may stand", async () => {
  const adding = await makeContext(place, "no-address", { Dockerfile: "ARG URL\nFROM scratch\nARG URL\nADD ${URL} /x\n" });
  for (const address of ["http://", "https://[::z]/x", "http://host.invalid/%zz", "http://user:w%rd@host.invalid/x"]) {
    const told = /failed to (?:build|solve): .*invalid URL "https?:\/\/(?!user)[^"]*": a web address is https:\/\/HOST\/PATH, and a % in it is written %25$/m;
    await fails(["--build-arg", `URL=${address}`, adding], 64, told);
    await fails(["-f", address, adding], 64, told);
    await fails([address], 64, told);
  }
});

describe("standard input", () => {
  test("is a Dockerfile that needs no context", async () => {
    assert.equal(await (await build(["-"], { input: "FROM scratch\nCOPY <<EOF /piped\npiped\nEOF\n" })).text("piped"), "piped\n");
    await fails(["-"], 66, /"\/a": not found/, { input: "FROM scratch\nCOPY a /\n" });
  });

  test("is an archive of the context, compressed or not, and its Dockerfile may be another one in it", async () => {
    const directory = await makeContext(place, "piped", { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "in a tar\n", "sub/x.dockerfile": "FROM scratch\nCOPY a /x\n" });
    for (const [i, flags] of ["-c", "-cz", "-cJ"].entries()) {
      const out = join(place.path, `tar-out-${i}`);
      await place.run(["sh", "-c", `tar -C "$1" ${flags} . | "$2" "$4" build -o "type=local,dest=$3" -`, "sh", directory, process.execPath, out, COMMAND], { cwd: join(import.meta.dirname, "../..") });
      assert.equal(await readFile(join(out, "a"), "utf8"), "in a tar\n");
    }
    const other = join(place.path, "tar-out-other");
    await place.run(["sh", "-c", `tar -C "$1" -c . | "$2" "$4" build -f sub/x.dockerfile -o "type=local,dest=$3" -`, "sh", directory, process.execPath, other, COMMAND], { cwd: join(import.meta.dirname, "../..") });
    assert.equal(await readFile(join(other, "x"), "utf8"), "in a tar\n");
  });

  test("may be an archive that is far larger than a Dockerfile may be", async () => {
    const directory = await makeContext(place, "large-pipe", { Dockerfile: "FROM scratch\nCOPY a /a\n", a: "beside much\n", much: Buffer.alloc(17 * 1024 * 1024) });
    const out = join(place.path, "large-pipe-out");
    await place.run(["sh", "-c", `tar -C "$1" -c much Dockerfile a | "$2" "$4" build -o "type=local,dest=$3" -`, "sh", directory, process.execPath, out, COMMAND], { cwd: join(import.meta.dirname, "../..") });
    assert.equal(await readFile(join(out, "a"), "utf8"), "beside much\n");
    const dockerfile = "#".repeat(17 * 1024 * 1024);
    await fails(["-"], 64, /^ERROR: failed to build: more than 16777216 bytes on standard input: what is read from there is text that people write$/m, { input: dockerfile });
    await fails([await makeContext(place, "large-text", { Dockerfile: dockerfile })], 64, /^ERROR: failed to build: failed to solve: failed to read dockerfile: Dockerfile has 17825792 bytes, and may have no more than 16777216 to be read for a build: name another file$/m);
  });

  test("cannot be two things at once", async () => {
    await fails(["-f", "-", "-"], 64, /^ERROR: invalid argument: can't use stdin for both build context and dockerfile$/, { input: "FROM scratch\n" });
    await fails(["-f", "x", "-"], 64, /ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles$/, { input: "FROM scratch\n" });
  });
});

test("a named context may be no image at all, and an image is named as it was given", async () => {
  const directory = await makeContext(place, "scratch-named", { Dockerfile: "FROM base\nCOPY --from=scratched / /empty/\n" });
  const contexts = ["--build-context", "scratched=docker-image://scratch", "--build-context", "base=docker-image://scratch"];
  const out = join(place.path, "scratch-named-out");
  const { exitCode, stderr } = await place.stemmaHere(["build", "-o", out, ...contexts, directory]);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(await readdir(join(out, "empty")), []);
  await fails(["--build-context", "base=docker-image://127.0.0.1:1/x", directory], 75, /^ERROR: failed to build: failed to solve: /);
  const asked = await place.stemmaHere(["build", "--build-context", "base=docker-image://127.0.0.1:1/x", directory]);
  assert.match(asked.stderr, /\[context base\] load metadata for 127\.0\.0\.1:1\/x\n/);
});

test("a named context without a path is none, and not the directory one is in", async () => {
  const directory = await makeContext(place, "unset", { Dockerfile: "FROM scratch\n" });
  await fails(["--build-context", "x=", directory], 66, /^ERROR: failed to build: failed to get build context x: stat : no such file or directory: the context must be a directory that exists$/);
});
