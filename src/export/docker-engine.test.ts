import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { lent } from "../testing/lent.ts";
import { engineTakes, loadIntoEngine } from "./docker-engine.ts";

const NEVER = new AbortController().signal;

/** What an engine takes that answers so; undefined: not at all. */
async function takes(answer: { readonly status?: number; readonly body: string } | undefined, patienceMs?: number): Promise<string> {
  const server = createServer((_request, response) => {
    if (answer !== undefined) response.writeHead(answer.status ?? 200).end(answer.body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const bound = server.address();
    assert.ok(typeof bound === "object" && bound !== null);
    return await engineTakes(`tcp://127.0.0.1:${bound.port}`, NEVER, patienceMs);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("an engine takes layouts where its images are in containerd's store, and the docker form where not, or where it will not tell", async () => {
  assert.equal(await takes({ body: JSON.stringify({ Driver: "overlayfs", DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] }) }), "oci");
  for (const body of [JSON.stringify({ Driver: "overlay2", DriverStatus: [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]] }), JSON.stringify({ DriverStatus: null }), "no JSON", '{"DriverStatus":[7,[]]}']) {
    assert.equal(await takes({ body }), "docker", body);
  }
  assert.equal(await takes({ status: 403, body: '{"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}' }), "docker");
});

test("an archive whose chunks are lent comes to the engine as it is", async () => {
  const tar = Buffer.from(Array.from({ length: 500_001 }, (_, at) => (at >> 2) % 251));
  let taken = Buffer.alloc(0);
  const server = createServer((request, response) => void request.toArray().then((chunks) => {
    taken = Buffer.concat(chunks);
    response.end('{"stream":"Loaded image: a"}');
  })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  await loadIntoEngine(`tcp://127.0.0.1:${bound.port}`, lent(tar, 1000), { signal: NEVER, importing: (read) => read(() => undefined) });
  server.close();
  assert.ok(taken.equals(tar));
});

test("an engine that takes the call and says nothing is not waited for without end", async () => {
  await assert.rejects(takes(undefined, 50), { name: "ExportError", code: "destination", message: /^no Docker engine answers at tcp:\/\/127\.0\.0\.1:\d+ \(it says nothing for 0\.05 s\): start it, name another with DOCKER_HOST/ });
});
