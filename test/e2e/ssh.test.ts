import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gitServerSkip, makeRepository } from "../../src/testing/git-server.ts";
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
  const { exitCode, stderr } = await place.stemma(["build", "--root", root, "--no-cache", "-f", "-", "-o", `type=local,dest=${out}`, ...flags, context], { ...options, input: BASE + dockerfile });
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
    assert.match(missing.stderr, /no SSH key "default" forwarded from the client: give it with --ssh default/);
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

test("a repository that is reached by ssh is asked for with the agent", { skip: sshSkip || gitServerSkip }, async () => {
  await using own = await startTestAgent();
  const { path } = await makeRepository(join(place.path, "over-ssh"), { Dockerfile: "FROM scratch\nCOPY a /\n", a: "by ssh\n" });
  const bin = join(place.path, "fake-ssh");
  mkdirSync(bin);
  // There is no ssh server here: this stands for ssh and the server at once, and lets in whoever has the key.
  await writeFile(join(bin, "ssh"), `#!/bin/sh\nfor last; do :; done\nprintf '%s\\n' "$*" >> '${bin}/log'\nssh-add -l | grep -q '${own.fingerprint}' || exit 255\nexec sh -c "$last"\n`);
  chmodSync(join(bin, "ssh"), 0o755);
  const out = join(place.path, "out-ssh");
  const env = { PATH: `${bin}:${process.env["PATH"] ?? ""}`, SSH_AUTH_SOCK: own.socket };
  const { exitCode, stderr } = await place.stemma(["build", "--root", root, "-o", `type=local,dest=${out}`, `git@git.example.test:${path}`], { env });
  assert.equal(exitCode, 0, stderr);
  assert.equal(await readFile(join(out, "a"), "utf8"), "by ssh\n");
  assert.match(await readFile(join(bin, "log"), "utf8"), /-o StrictHostKeyChecking=accept-new .*git@git\.example\.test git-upload-pack/);
});
