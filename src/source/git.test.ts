import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { collectBytes } from "../content/bytes.ts";
import type { Session } from "../session/session.ts";
import type { Layer } from "../snapshot/layer.ts";
import { Workspace } from "../snapshot/workspace.ts";
import { makeCertificates, opensslSkip } from "../testing/certificates.ts";
import { COMMIT_SECONDS, gitServerSkip, startGitServer, type GitRepository, type GitServer } from "../testing/git-server.ts";
import { MemoryLayerStore } from "../testing/memory-layer-store.ts";
import { parseGitRequest, type GitRequest } from "./git-request.ts";
import { GitSource } from "./git.ts";
import { SourceError } from "./source-error.ts";

/** For a hang: a busy machine may take minutes for the whole file. */
const signal = AbortSignal.timeout(600_000);
const PATH = process.env["PATH"] ?? "";

function session(secrets: Readonly<Record<string, string>> = {}): Session {
  return { id: "test", directory: () => undefined, secret: async (id) => (secrets[id] === undefined ? undefined : Buffer.from(secrets[id])), agent: async () => undefined };
}

interface SourceOptions {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

let place: string;
let workspace: Workspace;

before(async () => {
  place = await mkdtemp(join(tmpdir(), "stemma-git-"));
  workspace = new Workspace(join(place, "work"));
});

after(async () => {
  await workspace[Symbol.asyncDispose]();
  await rm(place, { recursive: true, force: true });
});

/** A build's source, over mirrors that all tests share. */
function source({ secrets, env }: SourceOptions = {}): GitSource {
  return new GitSource({ directory: join(place, "git"), hold: () => undefined, workspace, layers: new MemoryLayerStore(), session: session(secrets), env: { PATH, ...env } });
}

function request(url: string, fragment = "", attrs: Readonly<Record<string, string>> = {}): GitRequest {
  const id = url.replace(/^\w+:\/\//, "").replace(/^[^/]*@/, "") + (fragment === "" ? "" : `#${fragment}`);
  return parseGitRequest(id, { "git.fullurl": url, "git.authtokensecret": "GIT_AUTH_TOKEN", "git.authheadersecret": "GIT_AUTH_HEADER", ...attrs });
}

async function listing(layer: Layer): Promise<string[]> {
  return (await layer.entries(signal)).map(({ path, kind, mode, linkname }) => `${kind} ${mode.toString(8)} ${path}${linkname === undefined ? "" : ` -> ${linkname}`}`);
}

async function text(layer: Layer, path: string): Promise<string> {
  const entry = (await layer.entries(signal)).find((each) => each.path === path);
  assert.ok(entry, `${path} is not there`);
  return (await collectBytes(layer.read(entry, signal), 1 << 20)).toString("utf8");
}

async function fails(work: Promise<unknown>, code: SourceError["code"], message: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof SourceError, String(error));
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}

let server: GitServer;
let repository: GitRepository;
let url: string;
let first: string;

before(async () => {
  if (gitServerSkip !== false) return;
  server = await startGitServer();
  repository = await server.repository("app", { "a.txt": "one\n", "dir/b.txt": "b\n" });
  await writeFile(join(repository.path, "run.sh"), "#!/bin/sh\n");
  await chmod(join(repository.path, "run.sh"), 0o755);
  await symlink("a.txt", join(repository.path, "link"));
  await writeFile(join(repository.path, ".gitattributes"), "*.crlf eol=crlf\n");
  await writeFile(join(repository.path, "lines.crlf"), "x\n");
  await repository.git("config", "uploadpack.allowAnySHA1InWant", "true");
  first = await repository.commit({}, "second");
  url = `${server.url}/app.git`;
});

after(async () => {
  if (gitServerSkip === false) await server[Symbol.asyncDispose]();
});

describe("a repository behind HTTP", { skip: gitServerSkip }, () => {
  test("gives the files of the default branch with git's modes and root as owner", async () => {
    const layer = await source().layer(request(url), signal);
    assert.deepEqual(await listing(layer), [
      "file 644 .gitattributes", "file 644 a.txt", "directory 755 dir", "file 644 dir/b.txt", "file 644 lines.crlf", "symlink 777 link -> a.txt", "file 755 run.sh",
    ]);
    for (const { uid, gid } of await layer.entries(signal)) assert.deepEqual([uid, gid], [0, 0]);
    assert.equal(await text(layer, "a.txt"), "one\n");
    assert.equal(await text(layer, "lines.crlf"), "x\r\n");
  });

  test("is resolved to the commit of its branch, and named by it", async () => {
    const resolved = await source().resolve(request(url), signal);
    assert.deepEqual(resolved, { ref: "refs/heads/main", hash: first, commit: first });
  });

  test("has the commit's time where that is asked for, and else the time of the checkout", async () => {
    const committed = await source().layer(request(url, "main", { "git.mtime": "commit" }), signal);
    for (const { mtimeNs } of await committed.entries(signal)) assert.equal(mtimeNs, BigInt(COMMIT_SECONDS) * 1_000_000_000n);
    const plain = await source().layer(request(url, "main"), signal);
    for (const { mtimeNs } of await plain.entries(signal)) assert.ok(mtimeNs > BigInt(COMMIT_SECONDS + 1) * 1_000_000_000n);
    assert.equal(await source().commitTime(request(url), signal), BigInt(COMMIT_SECONDS));
  });

  test("gives a part of itself, and refuses a part that is none", async () => {
    assert.deepEqual(await listing(await source().layer(request(url, "main:dir"), signal)), ["file 644 b.txt"]);
    await fails(source().layer(request(url, ":nope"), signal), "not-found", /^invalid subdir nope: failed to lstat "nope": statat nope: no such file or directory$/);
    await fails(source().layer(request(url, ":link"), signal), "not-found", /^invalid subdir link: git subpath "link" contains non-directory "link"$/);
  });

  test("comes with a .git of one commit where that is asked for", async () => {
    const layer = await source().layer(request(url, "main", { "git.keepgitdir": "true" }), signal);
    assert.equal((await text(layer, ".git/HEAD")).trim(), first);
    assert.match(await text(layer, ".git/config"), new RegExp(`url = ${url}`));
    assert.equal((await text(layer, ".git/shallow")).trim(), first);
    assert.equal((await text(layer, ".git/refs/heads/main")).trim(), first);
  });
});

describe("a reference of a repository", { skip: gitServerSkip }, () => {
  test("one build sees one commit, the next build the new one", async () => {
    const build = source();
    const before = await build.resolve(request(url, "main"), signal);
    const next = await repository.commit({ "new.txt": "new\n" });
    assert.deepEqual(await build.resolve(request(url, "main"), signal), before);
    assert.ok(!(await listing(await build.layer(request(url, "main"), signal))).includes("file 644 new.txt"));
    const later = source();
    assert.equal((await later.resolve(request(url, "main"), signal)).hash, next);
    assert.equal(await text(await later.layer(request(url, "main"), signal), "new.txt"), "new\n");
  });

  test("keys a commit alike by whatever name, and its parts and forms apart", async () => {
    await repository.git("tag", "-f", "light");
    const key = async (fragment: string, attrs = {}): Promise<string> => {
      const asked = request(url, fragment, attrs);
      return source().key(asked, await source().resolve(asked, signal));
    };
    const main = await key("main");
    assert.equal(await key(""), main);
    assert.equal(await key("light"), main);
    assert.equal(await key(await repository.git("rev-parse", "HEAD")), main);
    const others = [await key("main:dir"), await key("main", { "git.keepgitdir": "true" }), await key("main", { "git.mtime": "commit" }), await key("main", { "git.skipsubmodules": "true" })];
    assert.equal(new Set([main, ...others]).size, 5);
  });

  test("an annotated tag is named by itself, and gives its commit's files", async () => {
    await repository.git("tag", "-f", "-a", "v1", "-m", "one", first);
    const tag = await repository.git("rev-parse", "v1");
    const resolved = await source().resolve(request(url, "v1"), signal);
    assert.deepEqual(resolved, { ref: "refs/tags/v1", hash: tag, commit: first });
    assert.ok((await listing(await source().layer(request(url, "v1"), signal))).includes("file 644 a.txt"));
    const kept = await source().layer(request(url, "v1", { "git.keepgitdir": "true" }), signal);
    assert.equal((await text(kept, ".git/refs/tags/v1")).trim(), tag);
  });

  test("a commit is had by its hash, and nothing is asked of the server a second time", async () => {
    const layer = await source().layer(request(url, first), signal);
    assert.ok(!(await listing(layer)).includes("file 644 new.txt"));
    const seen = server.requests.length;
    await source().layer(request(url, first), signal);
    assert.equal(server.requests.length, seen);
  });

  test("a commit that the server gives only with its branch is had too", async () => {
    await using strict = await startGitServer({ oldProtocol: true });
    const old = await strict.repository("old", { a: "1\n" });
    await old.git("config", "uploadpack.allowAnySHA1InWant", "false");
    const hash = await old.git("rev-parse", "HEAD");
    await old.commit({ a: "2\n" });
    const layer = await source().layer(request(`${strict.url}/old.git`, hash), signal);
    assert.equal(await text(layer, "a"), "1\n");
  });

  test("a checksum is held against what the reference stands for", async () => {
    await source().resolve(request(url, first, { "git.checksum": first.slice(0, 12) }), signal);
    await fails(source().resolve(request(url, "main", { "git.checksum": "abcdef" }), signal), "corrupt", /^expected checksum to match abcdef, got [0-9a-f]{40}$/);
    assert.throws(() => request(url, "main", { "git.checksum": "xyz" }), { message: "invalid checksum xyz for Git URL, expected hex commit hash" });
  });

  test("what is not there is told by name", async () => {
    await fails(source().resolve(request(url, "nope"), signal), "not-found", /^repository does not contain ref nope, output: ""$/);
    await fails(source().resolve(request(`${server.url}/absent.git`), signal), "not-found", /^error fetching default branch for repository http:\/\/127\.0\.0\.1:\d+\/absent\.git: /);
    await fails(source().resolve(request("http://127.0.0.1:1/x.git"), signal), "unavailable", /127\.0\.0\.1/);
  });
});

describe("a repository among others", { skip: gitServerSkip }, () => {
  test("submodules come with it, unless they are to be left out", async () => {
    await server.repository("lib", { "lib.c": "int x;\n" });
    await repository.git("submodule", "add", "--quiet", `${server.url}/lib.git`, "vendor/lib");
    await repository.git("config", "-f", ".gitmodules", "submodule.vendor/lib.url", "../lib.git");
    await repository.commit({});
    const whole = await listing(await source().layer(request(url), signal));
    assert.ok(whole.includes("file 644 vendor/lib/lib.c"), whole.join("\n"));
    assert.ok(!whole.some((line) => line.endsWith("/.git")));
    const bare = await listing(await source().layer(request(url, "", { "git.skipsubmodules": "true" }), signal));
    assert.ok(!bare.includes("file 644 vendor/lib/lib.c"));
  });

  test("builds at the same time share a mirror without harm, and what a killed git left is swept", async () => {
    const fresh = await server.repository("shared", { a: "a\n" });
    const asked = request(`${server.url}/shared.git`);
    const layers = await Promise.all(Array.from({ length: 4 }, () => source().layer(asked, signal)));
    for (const layer of layers) assert.equal(await text(layer, "a"), "a\n");
    await fresh.commit({ a: "b\n" });
    for (const folder of readdirSync(join(place, "git"))) await writeFile(join(place, "git", folder, "0/shallow.lock"), "").catch(() => undefined);
    assert.equal(await text(await source().layer(asked, signal), "a"), "b\n");
  });

  test("goes through the proxy that the environment names", async () => {
    const env = { HTTP_PROXY: server.url };
    const layer = await source({ env }).layer(request("http://git.example.test/lib.git"), signal);
    assert.equal(await text(layer, "lib.c"), "int x;\n");
    assert.ok(server.requests.some(({ host }) => host === "git.example.test"));
  });
});

describe("a repository that wants to know who we are", { skip: gitServerSkip }, () => {
  const TOKEN = "sup3r-s3cret";
  const authorization = `basic ${Buffer.from(`x-access-token:${TOKEN}`).toString("base64")}`;
  let closed: GitServer;
  let door: string;

  before(async () => {
    closed = await startGitServer({ authorization });
    await closed.repository("private", { a: "private\n" });
    door = `${closed.url}/private.git`;
  });

  after(() => closed[Symbol.asyncDispose]());

  test("is told a token, as a secret for all hosts or for this one", async () => {
    for (const secrets of [{ GIT_AUTH_TOKEN: TOKEN }, { [`GIT_AUTH_TOKEN.127.0.0.1:${closed.port}`]: `${TOKEN}\n`, GIT_AUTH_TOKEN: "other" }]) {
      assert.equal(await text(await source({ secrets }).layer(request(door), signal), "a"), "private\n");
    }
  });

  test("is told a header that is given whole", async () => {
    assert.equal(await text(await source({ secrets: { GIT_AUTH_HEADER: authorization } }).layer(request(door), signal), "a"), "private\n");
  });

  test("is refused without, with what can be done", async () => {
    await fails(source().resolve(request(door), signal), "unauthorized", /give a token with --secret id=GIT_AUTH_TOKEN/);
    await fails(source({ secrets: { GIT_AUTH_TOKEN: "wrong" } }).resolve(request(door), signal), "unauthorized", /^(?!.*wrong)/);
  });

  test("credentials stand neither in command lines, nor in the mirror, nor in the .git that is kept", async () => {
    const seen: string[] = [];
    const watch = setInterval(() => seen.push(...commandLines()), 1);
    const layer = await source({ secrets: { GIT_AUTH_TOKEN: TOKEN } }).layer(request(door, "main", { "git.keepgitdir": "true" }), signal).finally(() => clearInterval(watch));
    assert.ok(seen.some((line) => line.includes("ls-remote") || line.includes("fetch")), "git was seen at work");
    const coded = Buffer.from(`x-access-token:${TOKEN}`).toString("base64");
    const texts = [...seen, ...filesBelow(join(place, "git"))];
    for (const { path, kind } of await layer.entries(signal)) if (kind === "file") texts.push(await text(layer, path));
    for (const found of texts) assert.ok(!found.includes(TOKEN) && !found.includes(coded));
  });

  test("a user in the URL is shown to the server only", async () => {
    await using other = await startGitServer({ authorization: `basic ${Buffer.from("me:p@ss").toString("base64")}` });
    await other.repository("r", { a: "mine\n" });
    const asked = request(`http://me:p%40ss@127.0.0.1:${other.port}/r.git`);
    assert.equal(asked.remote, `http://127.0.0.1:${other.port}/r.git`);
    assert.equal(await text(await source().layer(asked, signal), "a"), "mine\n");
    await fails(source().resolve({ ...asked, ref: "nope" }, signal), "not-found", /^(?!.*p@ss)/);
  });
});

test("a server's certificate is believed where SSL_CERT_FILE names its authority", { skip: gitServerSkip || opensslSkip }, async () => {
  await using certificates = await makeCertificates();
  await using tls = await startGitServer({ certificate: certificates.server });
  await tls.repository("tls", { a: "tls\n" });
  const asked = request(`${tls.url}/tls.git`);
  await fails(source().resolve(asked, signal), "not-found", /certificate/);
  assert.equal(await text(await source({ env: { SSL_CERT_FILE: certificates.caPath } }).layer(asked, signal), "a"), "tls\n");
});

describe("git's own protocol", { skip: gitServerSkip }, () => {
  test("is spoken to git daemon", async () => {
    const served = await server.repository("d", { a: "daemon\n" });
    // A port of its own would have to be guessed: it serves what is accepted for it.
    const serve = (socket: Socket): void => {
      const daemon = spawn("git", ["daemon", "--inetd", "--export-all", `--base-path=${served.path}/..`], { stdio: [socket, socket, "ignore"], env: { PATH } });
      daemon.once("exit", () => socket.destroy());
    };
    await using daemon = createServer({ pauseOnConnect: true }, serve).listen(0, "127.0.0.1");
    await once(daemon, "listening");
    const layer = await source().layer(request(`git://127.0.0.1:${(daemon.address() as AddressInfo).port}/d`), signal);
    assert.equal(await text(layer, "a"), "daemon\n");
  });
});

test("an abort ends git at once, and everything that it started", { skip: gitServerSkip }, async () => {
  await using silent = await startGitServer({ silent: true });
  const controller = new AbortController();
  const work = source().layer(request(`${silent.url}/slow.git`), controller.signal);
  const helper = (): string[] => commandLines().filter((line) => line.includes(`${silent.url}/slow.git`));
  while (silent.requests.length === 0) await delay(10);
  assert.ok(helper().length > 1, "git and its helper are at work");
  controller.abort(new Error("enough"));
  await assert.rejects(work, /enough/);
  for (let waitedMs = 0; helper().length > 0 && waitedMs < 30_000; waitedMs += 10) await delay(10);
  assert.deepEqual(helper(), []);
});

function commandLines(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
    } catch {
      return [];
    }
  });
}

function filesBelow(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")) : [];
}
