import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { BASE, contextWithBase, makeContext, runSkip } from "./small-base.ts";

let place: Place;
let registry: DockerRegistry;
let base: string;
/** Passes on what the registry has, but for blobs. */
let mirror: Server;
let spoil: (blob: Buffer<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
const spoilt: string[] = [];

before(async () => {
  [place, registry] = await Promise.all([openPlace(), startDockerRegistry()]);
  base = `${registry.host}/base:1`;
  const context = await contextWithBase(place, "large", { Dockerfile: `${BASE}COPY large /\n`, large: randomBytes(300_000) });
  const { exitCode, stderr } = await place.stemmaHere(["build", "--push", "--provenance=false", "-t", base, context]);
  assert.equal(exitCode, 0, stderr);
  mirror = createServer((request, response) => {
    void fetch(`http://${registry.host}${request.url ?? ""}`, { method: request.method ?? "GET", headers: { accept: request.headers.accept ?? "*/*" } }).then(async (answer) => {
      const bytes = Buffer.from(await answer.arrayBuffer());
      const isBlob = request.method === "GET" && (request.url ?? "").includes("/blobs/") && bytes.length > 0;
      if (isBlob) spoilt.push(request.url ?? "");
      const headers = Object.fromEntries([...answer.headers].filter(([name]) => name !== "content-length"));
      response.writeHead(answer.status, headers).end(isBlob ? spoil(bytes) : bytes);
    });
  }).listen(0, "127.0.0.1");
  await once(mirror, "listening");
});

after(async () => {
  mirror.close();
  await place[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

const isArchive = (blob: Uint8Array): boolean => blob[0] === 0x1f;
const flipped = (blob: Buffer<ArrayBuffer>, at: number): Buffer<ArrayBuffer> => {
  const other = Buffer.from(blob);
  other[at] = (other[at] ?? 0) ^ 0xff;
  return other;
};

describe("a mirror that sends other bytes is passed over, and the registry asked", { skip: runSkip }, () => {
  const rows: ReadonlyArray<readonly [what: string, spoil: typeof spoil]> = [
    ["a configuration with a byte changed", (blob) => (isArchive(blob) ? blob : flipped(blob, 10))],
    ["layers with a byte changed", (blob) => (isArchive(blob) ? flipped(blob, blob.length >> 1) : blob)],
    ["layers whose archive is another", (blob) => (isArchive(blob) ? Buffer.from(gzipSync(flipped(Buffer.from(gunzipSync(blob)), 600))) : blob)],
    ["a page in place of layers", (blob) => (isArchive(blob) ? Buffer.from("<html>please log in</html>") : blob)],
    ["layers that are cut short", (blob) => (isArchive(blob) ? blob.subarray(0, blob.length - 5) : blob)],
  ];
  for (const [number, [what, how]] of rows.entries()) {
    for (const [way, dockerfile] of [["looked into", "COPY --from=0 /large /bin/sh /copied/"], ["run in", "RUN test -s /large"]] as const) {
      test(`${what}, which are ${way}`, async () => {
        spoil = how;
        spoilt.length = 0;
        const name = `${way.replace(" ", "-")}-${number}`;
        const settings = await makeContext(place, `settings-${name}`, { "stemma/stemma.toml": `[registry."${registry.host}"]\nmirrors = ["127.0.0.1:${(mirror.address() as AddressInfo).port}"]\n` });
        const context = await makeContext(place, name, { Dockerfile: `FROM ${base}\n${way === "run in" ? "" : `FROM scratch\n`}${dockerfile}\n` });
        const run = await place.stemmaHere(["build", "--root", `${place.path}/state-${name}`, "-o", `type=oci,tar=false,dest=${place.path}/out-${name}`, context], { env: { XDG_CONFIG_HOME: settings } });
        assert.equal(run.exitCode, 0, run.stderr);
        assert.ok(spoilt.length > 0, "the mirror was asked");
      });
    }
  }
});
