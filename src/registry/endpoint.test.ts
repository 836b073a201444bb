import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settingsFor } from "../testing/registry-fixture.ts";
import { endpointsFor } from "./endpoint.ts";
import type { Access } from "./scope.ts";

const tls = { ca: [], keypairs: [], insecure: false };
const insecure = { ...tls, insecure: true };

function urls(domain: string, settings: Parameters<typeof settingsFor>[0] = {}, access: Access = "pull"): readonly string[] {
  return endpointsFor(domain, settingsFor(settings), access).map(({ base, fallback }) => `${base.href}${fallback === undefined ? "" : ` else ${fallback.href}`}`);
}

describe("the servers of a registry", () => {
  test("speak TLS, but for those on this machine", () => {
    assert.deepEqual(urls("ghcr.io"), ["https://ghcr.io/v2/"]);
    for (const host of ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"]) assert.deepEqual(urls(host), [`http://${host}/v2/`]);
    assert.deepEqual(urls("localhost:5000", { "localhost:5000": { http: false } }), ["https://localhost:5000/v2/"]);
    assert.deepEqual(urls("r.example", { "r.example": { http: true } }), ["http://r.example/v2/"]);
  });

  test("are reached without proof, or in either way, where that is set", () => {
    assert.deepEqual(urls("r.example", { "r.example": { tls: insecure } }), ["https://r.example/v2/"]);
    assert.deepEqual(urls("r.example", { "r.example": { http: true, tls: insecure } }), ["https://r.example/v2/ else http://r.example/v2/"]);
  });

  test("of Docker Hub have another name", () => {
    assert.deepEqual(urls("docker.io"), ["https://registry-1.docker.io/v2/"]);
    assert.equal(endpointsFor("docker.io", settingsFor({}), "pull")[0]?.name, "docker.io");
  });

  test("are asked after their mirrors, and alone take a push", () => {
    const settings = { "docker.io": { mirrors: ["m.example/hub/", "localhost:5001", "https://n.example"] }, "m.example": { http: true } };
    assert.deepEqual(urls("docker.io", settings), ["http://m.example/v2/hub/", "http://localhost:5001/v2/", "https://n.example/v2/", "https://registry-1.docker.io/v2/"]);
    assert.deepEqual(urls("docker.io", settings, "push"), ["https://registry-1.docker.io/v2/"]);
    assert.deepEqual(endpointsFor("docker.io", settingsFor(settings), "pull").map(({ namespace }) => namespace), ["docker.io", "docker.io", "docker.io", undefined]);
  });
});
