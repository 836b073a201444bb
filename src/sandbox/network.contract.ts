import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { AUTHORITIES_PATH, RELAY_PORT, type NetworkMode } from "./sandbox.ts";

interface Ground {
  readonly folder: string;
}

/** Runs a script in a small tree. */
type Run<G extends Ground> = (ground: G, scripts: readonly [string], step?: { readonly network?: NetworkMode }) => Promise<{ readonly stdout: string }>;

/** What every runtime has to do about networks. */
export function testNetwork<G extends Ground>(ground: G, run: Run<G>): void {
  test("network none has no interface but loopback, and network host sees the host's", async () => {
    const interfaces = "tail -n +3 /proc/net/dev | cut -d : -f 1";
    assert.equal((await run(ground, [interfaces], { network: "none" })).stdout.trim(), "lo");
    const host = readFileSync("/proc/net/dev", "utf8").split("\n").slice(2).map((line) => line.split(":")[0]?.trim()).filter(Boolean);
    assert.deepEqual((await run(ground, [interfaces])).stdout.split("\n").map((line) => line.trim()).filter(Boolean), host);
  });

  test("in a network with a relay only the relay's port leads out", async () => {
    const socket = join(ground.folder, "relay");
    const server = createServer((connection) => connection.on("data", (text) => connection.end(`answer to ${text.toString()}`))).listen(socket);
    await once(server, "listening");
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    try {
      const script = `echo question | nc 127.0.0.1 ${RELAY_PORT}; nc -w 2 127.0.0.1 ${port} </dev/null 2>/dev/null || echo refused; tail -n +3 /proc/net/dev | cut -d : -f 1 | tr -d ' '; cat ${AUTHORITIES_PATH}`;
      assert.equal((await run(ground, [script], { network: { relay: socket, authorities: Buffer.from("whom to trust\n") } })).stdout, "answer to question\nrefused\nlo\nwhom to trust\n");
    } finally {
      server.close();
      other.close();
    }
  });
}
