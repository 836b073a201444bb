import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gitServerSkip, makeRepository } from "../../src/testing/git-server.ts";
import { sshServerSkip, startSshServer } from "../../src/testing/ssh-server.ts";
import { sshSkip, startTestAgent, type TestAgent } from "../../src/testing/ssh-agent.ts";
import { openPlace, type Place, type PlaceOptions } from "./command.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

let place: Place;
let agent: TestAgent;
let context: string;
let root: string;
let builds = 0;

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  if (sshSkip !== false || runSkip !== false) return;
  agent = await startTestAgent();
  context = await contextWithBase(place, "context", {});
  addProgram(join(context, "base"), "ssh-add");
});

after(async () => {
  await agent?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

/** With the libraries that it needs. */
function addProgram(base: string, name: string): void {
  const path = execFileSync("sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" }).trim();
  cpSync(realpathSync(path), join(base, "bin", name));
  for (const [library] of execFileSync("ldd", [path], { encoding: "utf8" }).matchAll(/\/\S+/g)) {
    mkdirSync(dirname(join(base, library)), { recursive: true });
    if (!existsSync(join(base, library))) cpSync(realpathSync(library), join(base, library));
  }
}

async function build(dockerfile: string, flags: readonly string[], options: PlaceOptions = {}): Promise<{ readonly exitCode: number; readonly stderr: string; readonly text: (path: string) => Promise<string> }> {
  const out = join(place.path, `out-${builds++}`);
  const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "--no-cache", "-f", "-", "-o", `type=local,dest=${out}`, ...flags, context], { ...options, input: BASE + dockerfile });
  return { exitCode, stderr, text: (path) => readFile(join(out, path), "utf8") };
}

describe("RUN --mount=type=ssh", { skip: sshSkip || runSkip }, () => {
  for (const sandbox of ["runc", "crun", "namespaces"]) {
    const missing = sandbox === "namespaces" || existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed`;
    test(`reaches the agent of who builds, in ${sandbox}`, { skip: missing }, async () => {
      const { exitCode, stderr, text } = await build("RUN --mount=type=ssh echo $SSH_AUTH_SOCK > /where && ssh-add -l > /keys\n", ["--ssh", "default", "--sandbox", sandbox], { env: { SSH_AUTH_SOCK: agent.socket } });
      assert.equal(exitCode, 0, stderr);
      assert.ok((await text("keys")).includes(agent.fingerprint));
      assert.equal(await text("where"), "/run/buildkit/ssh_agent.0\n");
    });
  }

  test("reaches keys that are given as files, and several agents at a time", async () => {
    const { exitCode, stderr, text } = await build("RUN --mount=type=ssh,id=a --mount=type=ssh,id=b,target=/b ssh-add -l > /a && SSH_AUTH_SOCK=/b ssh-add -l > /keys\n", ["--ssh", `a=${agent.keyPath}`, "--ssh", `b=${agent.socket}`]);
    assert.equal(exitCode, 0, stderr);
    assert.ok((await text("a")).includes(agent.fingerprint));
    assert.ok((await text("keys")).includes(agent.fingerprint));
  });

  test("belongs to whom it is said to, and leaves nothing in the image", async () => {
    const { exitCode, stderr, text } = await build("RUN --mount=type=ssh,uid=1000,gid=1001,mode=0620,target=/agent stat -c '%u %g %a %F' /agent > /stat\nRUN ls / > /list\n", ["--ssh", `default=${agent.socket}`]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(await text("stat"), "1000 1001 620 socket\n");
    assert.doesNotMatch(await text("list"), /^agent$|^run$/m);
  });

  test("lets a step change nothing of the agent", async () => {
    const { exitCode, stderr } = await build("RUN --mount=type=ssh ! ssh-add -D\n", ["--ssh", `default=${agent.socket}`]);
    assert.equal(exitCode, 0, stderr);
    assert.ok((await agent.run(["ssh-add", "-l"])).output.includes(agent.fingerprint));
  });

  test("is told when there is no such agent, unless it is not required", async () => {
    const missing = await build("RUN --mount=type=ssh,required=true true\n", []);
    assert.equal(missing.exitCode, 66, missing.stderr);
    assert.match(missing.stderr, /unset ssh forward key default: give it with --ssh default/);
    const optional = await build('RUN --mount=type=ssh test ! -e "$SSH_AUTH_SOCK"\n', []);
    assert.equal(optional.exitCode, 0, optional.stderr);
    const unset = await build("RUN true\n", ["--ssh", "default"], { env: { SSH_AUTH_SOCK: "" } });
    assert.equal(unset.exitCode, 64, unset.stderr);
    assert.match(unset.stderr, /invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set$/m);
  });

  test("leaves neither process nor file behind", async () => {
    await build("RUN --mount=type=ssh ssh-add -l\n", ["--ssh", `default=${agent.keyPath}`]);
    await assertNothingRuns(place.path);
    assertNoWorkLeft(root);
  });
});

describe("a repository that is reached by ssh", { skip: sshSkip || sshServerSkip || gitServerSkip }, () => {
  test("is fetched with the agent, as context and as ADD, and is named by its commit", async () => {
    await using own = await startTestAgent();
    await using server = await startSshServer(`${own.keyPath}.pub`);
    const { path, commit } = await repositoryOf("over-ssh");
    const url = `ssh://${server.user}@127.0.0.1:${server.port}${path}`;
    const out = join(place.path, "out-ssh");
    const metadata = join(place.path, "metadata-ssh.json");
    const { exitCode, stderr } = await place.stemmaHere(["build", "--root", root, "--metadata-file", metadata, "-o", `type=local,dest=${out}`, url], { env: { SSH_AUTH_SOCK: own.socket } });
    assert.equal(exitCode, 0, stderr);
    assert.equal(await readFile(join(out, "a"), "utf8"), "by ssh\n");
    assert.match(await readFile(metadata, "utf8"), new RegExp(`"sha1": "${commit}"`));
    const added = await place.stemmaHere(["build", "--root", root, "--no-cache", "--ssh", `default=${own.socket}`, "-f", "-", "-o", `type=local,dest=${out}-add`, context], { input: `FROM scratch\nADD ${url} /r\n` });
    assert.equal(added.exitCode, 0, added.stderr);
    assert.equal(await readFile(join(`${out}-add`, "r/a"), "utf8"), "by ssh\n");
  });

  test("is refused to who has no key, and no longer believed with another host key", async () => {
    await using own = await startTestAgent();
    await using other = await startTestAgent();
    await using server = await startSshServer(`${own.keyPath}.pub`);
    const { path } = await repositoryOf("ssh-refused");
    const url = `ssh://${server.user}@127.0.0.1:${server.port}${path}`;
    const fresh = join(place.path, "state-ssh");
    const fetch = (socket: string) => place.stemmaHere(["build", "--root", fresh, "--no-cache", "-o", `type=local,dest=${join(place.path, "out-refused")}`, url], { env: { SSH_AUTH_SOCK: socket } });
    const refused = await fetch(other.socket);
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /Permission denied/);
    assert.ok(refused.stderr.includes(`error fetching default branch for repository ssh://xxxxx@127.0.0.1:${server.port}${path}: git stderr:`), refused.stderr);
    assert.equal((await fetch(own.socket)).exitCode, 0);
    await server.changeHostKey();
    const changed = await fetch(own.socket);
    assert.notEqual(changed.exitCode, 0);
    assert.match(changed.stderr, /[Hh]ost key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/);
  });
});

async function repositoryOf(name: string): Promise<{ readonly path: string; readonly commit: string }> {
  const { path } = await makeRepository(join(place.path, name), { Dockerfile: "FROM scratch\nCOPY a /\n", a: "by ssh\n" });
  return { path, commit: (await place.run(["git", "-C", path, "rev-parse", "HEAD"])).trim() };
}
