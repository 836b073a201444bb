import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Environment } from "./environment.ts";
import { proxyFor } from "./http-proxy.ts";

function proxyHost(target: string, env: Environment): string | undefined {
  return proxyFor(new URL(target), env)?.host;
}

const PROXIES: Environment = { HTTP_PROXY: "http://plain:1", HTTPS_PROXY: "http://secure:2" };

describe("the choice of a proxy", () => {
  test("each scheme has its variable, upper case first", () => {
    assert.equal(proxyHost("http://x.example/", PROXIES), "plain:1");
    assert.equal(proxyHost("https://x.example/", PROXIES), "secure:2");
    assert.equal(proxyHost("https://x.example/", { https_proxy: "http://lower:3" }), "lower:3");
    assert.equal(proxyHost("https://x.example/", { ...PROXIES, https_proxy: "http://lower:3" }), "secure:2");
    assert.equal(proxyHost("https://x.example/", { HTTP_PROXY: "http://plain:1" }), undefined);
    assert.equal(proxyHost("https://x.example/", { HTTPS_PROXY: "" }), undefined);
  });

  test("ALL_PROXY counts where the scheme has none, and a scheme may be left out of a proxy's address", () => {
    assert.equal(proxyHost("http://x.example/", { ALL_PROXY: "all:4", HTTPS_PROXY: "secure:2" }), "all:4");
    assert.equal(proxyHost("https://x.example/", { ALL_PROXY: "all:4", HTTPS_PROXY: "secure:2" }), "secure:2");
  });

  test("what is on this machine never passes a proxy", () => {
    for (const target of ["http://localhost:5000/", "http://127.0.0.1/", "http://127.8.9.1:80/", "http://[::1]:5000/"]) {
      assert.equal(proxyHost(target, PROXIES), undefined, target);
    }
  });

  test("NO_PROXY exempts names, their subdomains, addresses, ranges and ports", () => {
    const cases: ReadonlyArray<readonly [list: string, target: string, isDirect: boolean]> = [
      ["*", "https://x.example/", true],
      ["x.example", "https://x.example/", true],
      ["x.example", "https://a.x.example/", true],
      ["x.example", "https://notx.example/", false],
      [".x.example", "https://x.example/", false],
      [".x.example", "https://a.x.example/", true],
      ["*.x.example", "https://a.x.example/", true],
      ["x.example:443", "https://x.example/", true],
      ["x.example:5000", "https://x.example/", false],
      ["x.example:5000", "http://x.example:5000/", true],
      ["a.b, X.Example ", "https://x.EXAMPLE/", true],
      ["10.1.2.3", "http://10.1.2.3/", true],
      ["10.1.0.0/16", "http://10.1.2.3:5000/", true],
      ["10.1.0.0/16", "http://10.2.2.3/", false],
      ["10.1.0.0/99", "http://10.1.2.3/", false],
      ["fd00::/8", "http://[fd00::1]/", true],
      ["fd00::1", "http://[fd00::1]/", true],
      ["[fd00::1]:80", "http://[fd00::1]/", true],
      ["", "https://x.example/", false],
      [",", "https://x.example/", false],
    ];
    for (const [list, target, isDirect] of cases) {
      assert.equal(proxyHost(target, { ...PROXIES, NO_PROXY: list }) === undefined, isDirect, `${list} ${target}`);
    }
  });
});
