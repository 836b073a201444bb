import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sshSkip, startTestAgent, type TestAgent } from "../testing/ssh-agent.ts";
import { openAgentProxy } from "./agent-proxy.ts";

describe("an agent's proxy", { skip: sshSkip }, () => {
  let agent: TestAgent;

  before(async () => void (agent = await startTestAgent()));
  after(() => agent[Symbol.asyncDispose]());

  test("lists the keys, and signs with them", async () => {
    await using proxy = await openAgentProxy(agent.socket, agent.directory, "proxy");
    const listed = await agent.run(["ssh-add", "-l"], proxy.path);
    assert.ok(listed.output.includes(agent.fingerprint), listed.output);
    const file = join(agent.directory, "text");
    await writeFile(file, "to be signed\n");
    const signed = await agent.run(["ssh-keygen", "-q", "-Y", "sign", "-f", `${agent.keyPath}.pub`, "-n", "file", file], proxy.path);
    assert.equal(signed.exitCode, 0, signed.output);
    assert.ok(existsSync(`${file}.sig`));
  });

  test("adds, removes and locks nothing", async () => {
    await using proxy = await openAgentProxy(agent.socket, agent.directory, "proxy");
    const other = join(agent.directory, "other");
    await agent.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other]);
    for (const argv of [["ssh-add", other], ["ssh-add", "-D"], ["ssh-add", "-d", `${agent.keyPath}.pub`]] as const) {
      assert.notEqual((await agent.run(argv, proxy.path)).exitCode, 0, argv.join(" "));
    }
    const { output } = await agent.run(["ssh-add", "-l"]);
    assert.ok(output.includes(agent.fingerprint));
    assert.equal(output.trim().split("\n").length, 1);
  });

  test("listens below a path that is longer than a socket's may be, and is gone afterwards", async () => {
    const directory = join(agent.directory, "d".repeat(100), "e".repeat(100));
    await mkdir(directory, { recursive: true });
    const proxy = await openAgentProxy(agent.socket, directory, "agent.0");
    assert.ok(existsSync(proxy.path));
    await proxy[Symbol.asyncDispose]();
    assert.equal(existsSync(proxy.path), false);
  });

  test("ends a conversation with what is no message, and serves others meanwhile", async () => {
    await using proxy = await openAgentProxy(agent.socket, agent.directory, "proxy");
    const bad = connect(proxy.path);
    const closed = new Promise((resolve) => bad.once("close", resolve));
    bad.on("error", () => undefined);
    bad.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 11]));
    await closed;
    assert.ok((await agent.run(["ssh-add", "-l"], proxy.path)).output.includes(agent.fingerprint));
  });
});
