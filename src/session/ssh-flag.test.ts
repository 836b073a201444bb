import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { sshSkip, startTestAgent, type TestAgent } from "../testing/ssh-agent.ts";
import { startKeyAgent } from "./key-agent.ts";
import { SessionError } from "./session-error.ts";
import { parseAgent, parseAgents } from "./ssh-flag.ts";

const signal = AbortSignal.timeout(600_000);
const PATH = process.env["PATH"] ?? "";

describe("--ssh", { skip: sshSkip }, () => {
  let agent: TestAgent;

  before(async () => void (agent = await startTestAgent()));
  after(() => agent[Symbol.asyncDispose]());

  test("names the agent of the environment, a socket, or keys", () => {
    const env = { SSH_AUTH_SOCK: agent.socket };
    const { directory } = agent;
    assert.deepEqual(parseAgent("default", { directory, env }), { id: "default", source: { kind: "socket", path: agent.socket } });
    assert.deepEqual(parseAgent("x=socket", { directory, env: {} }), { id: "x", source: { kind: "socket", path: agent.socket } });
    assert.deepEqual(parseAgent("x=", { directory, env }), { id: "x", source: { kind: "socket", path: agent.socket } });
    assert.deepEqual(parseAgent("=socket", { directory, env: {} }).id, "default");
    assert.deepEqual(parseAgents(["", "x=socket", "default"], { directory, env }).map(({ id }) => id), ["x", "default"]);
    assert.deepEqual(parseAgent("x=key,key", { directory, env }), { id: "x", source: { kind: "keys", paths: [agent.keyPath, agent.keyPath] } });
  });

  const wrong: ReadonlyArray<readonly [string, RegExp]> = [
    ["default", /^failed to convert agent config \{default \[\] false\}: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set$/],
    ["x=absent", /^failed to convert agent config \{x \[absent\] false\}: failed to convert agent config for ID: "x": stat absent: no such file or directory$/],
    ["x=.", /^failed to convert agent config \{x \[\.\] false\}: failed to convert agent config for ID: "x": failed to read \.: read \.: is a directory$/],
    ["x=socket,socket", /only single socket allowed$/],
    ["x=socket,key", /only single socket allowed$/],
    ["x=key,socket", /invalid combination of keys and sockets$/],
    ["x=key,key.pub", /^failed to convert agent config \{x \[key key\.pub\] false\}: failed to convert agent config for ID: "x": failed to parse key.pub: ssh: no key found: give a private key, or the socket of an agent$/],
    ["x=", /^failed to convert agent config \{x \[\] false\}: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set$/],
    ["x=,", /paths of a socket or of private keys are needed/],
    ["x=socket,raw=true", /only single socket allowed: raw=true is a word of buildctl's, which buildx does not know either: leave it out$/],
    ["x=key,raw=true", /: failed to convert agent config for ID: "x": stat raw=true: no such file or directory$/],
  ];
  for (const [text, message] of wrong) {
    test(`${text} is refused`, () => assert.throws(() => parseAgent(text, { directory: agent.directory, env: {} }), (error) => error instanceof SessionError && message.test(error.message)));
  }

  test("two agents of one id are refused, whatever they are", () => {
    for (const texts of [["default=socket", "default=key"], ["default=socket", "=socket"], ["x=key", "y=key", "x=key"]]) {
      assert.throws(() => parseAgents(texts, { directory: agent.directory, env: {} }), (error) => error instanceof SessionError && /^duplicate agent ID "(?:default|x)": /.test(error.message));
    }
  });

  test("keys are served by an agent of their own, for as long as it is wanted", async () => {
    const own = await startKeyAgent([agent.keyPath], { PATH }, signal);
    const { output } = await agent.run(["ssh-add", "-l"], own.socket);
    assert.ok(output.includes(agent.fingerprint), output);
    await own[Symbol.asyncDispose]();
    assert.equal(existsSync(dirname(own.socket)), false);
    const left = (): readonly string[] => spawnSync("ps", ["-eo", "args"], { encoding: "utf8" }).stdout.split("\n").filter((line) => line.includes(own.socket));
    for (let waitedMs = 0; left().length > 0 && waitedMs < 30_000; waitedMs += 20) await delay(20);
    assert.deepEqual(left(), []);
  });

  test("a key may come through a pipe, which is read once", { timeout: 60_000 }, async () => {
    const pipe = join(agent.directory, "pipe");
    await agent.run(["mkfifo", pipe]);
    const written = agent.run(["sh", "-c", 'cat "$0" > "$1"', agent.keyPath, pipe]);
    assert.deepEqual(parseAgent("x=pipe", { directory: agent.directory, env: {} }).source, { kind: "keys", paths: [pipe] });
    await using own = await startKeyAgent([pipe], { PATH }, signal);
    await written;
    assert.ok((await agent.run(["ssh-add", "-l"], own.socket)).output.includes(agent.fingerprint));
  });

  test("a key that only a passphrase opens, and a file that is none, are refused by name", async () => {
    const locked = join(agent.directory, "locked");
    await agent.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "passphrase", "-f", locked]);
    const none = join(agent.directory, "none");
    await writeFile(none, "no key\n");
    for (const path of [locked, none]) await assert.rejects(startKeyAgent([path], { PATH }, signal), (error) => error instanceof SessionError && error.message.startsWith(`failed to parse ${path}: `));
  });
});

describe("a private key of --ssh", { skip: sshSkip }, () => {
  let agent: TestAgent;

  before(async () => void (agent = await startTestAgent()));
  after(() => agent[Symbol.asyncDispose]());

  test("that only a passphrase opens is refused before anything is built, in whatever form it is", async () => {
    for (const [name, ...form] of [["own", "-t", "ed25519"], ["pem", "-t", "rsa", "-m", "PEM"], ["pkcs8", "-t", "ecdsa", "-m", "PKCS8"]] as const) {
      await agent.run(["ssh-keygen", "-q", ...form, "-N", "passphrase", "-f", join(agent.directory, name)]);
      const refuses = /failed to convert agent config for ID: "x": failed to parse \w+: ssh: this private key is passphrase protected/;
      assert.throws(() => parseAgent(`x=${name}`, { directory: agent.directory, env: {} }), (error) => error instanceof SessionError && refuses.test(error.message));
      await agent.run(["ssh-keygen", "-q", ...form, "-N", "", "-f", join(agent.directory, `${name}-open`)]);
      assert.equal(parseAgent(`x=${name}-open`, { directory: agent.directory, env: {} }).source.kind, "keys");
    }
  });
});
