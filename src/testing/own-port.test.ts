import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { startProcess } from "../host/process.ts";
import { comesToListen, startOnOwnPort } from "./own-port.ts";

const LISTEN = "require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1')";

test("a server whose port somebody took meanwhile is started on another", async () => {
  const taken: number[] = [];
  await using thief = createServer();
  const { child, port } = await startOnOwnPort(async (asked) => {
    taken.push(asked);
    if (taken.length === 1) await once(thief.listen(asked, "127.0.0.1"), "listening");
    return startProcess({ argv: [process.execPath, "-e", LISTEN, String(asked)], env: {} }, "ignore");
  });
  try {
    assert.equal(taken.length, 2);
    assert.equal(port, taken[1]);
    assert.ok(port < 32_768, `${port} is of those that the system gives to anybody`);
  } finally {
    child.kill("SIGKILL");
  }
});

test("what answers on a port is not taken for a process that does not listen there", async () => {
  await using other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  assert.ok(address !== null && typeof address === "object");
  const child = startProcess({ argv: [process.execPath, "-e", LISTEN, String(address.port)], env: {} }, "ignore");
  try {
    assert.equal(await comesToListen(child, address.port), false);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a server that never starts is an error with what it said", async () => {
  await assert.rejects(startOnOwnPort(() => startProcess({ argv: [process.execPath, "-e", "process.exit(3)"], env: {} }, "ignore"), () => "bad key"), /did not come to listen on any of 5 ports: bad key/);
});
