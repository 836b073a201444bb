import assert from "node:assert/strict";
import { test } from "node:test";
import { hostsFile } from "./hosts-file.ts";
import { resolvConf } from "./resolv-conf.ts";

const HOST = "# made by hand\nnameserver 127.0.0.1\nnameserver 10.0.0.2\nnameserver ::1\n; old\nsearch a.test\nsearch b.test c.test\noptions ndots:2\noptions edns0\nsortlist 10.0.0.0\nnameserver nonsense\n";
const only = (files: Readonly<Record<string, string>>) => (path: string): string | undefined => files[path];

test("with the host's network the host's settings stand, without comments", () => {
  const expected = "nameserver 127.0.0.1\nnameserver 10.0.0.2\nnameserver ::1\nsearch b.test c.test\noptions ndots:2 edns0\nsortlist 10.0.0.0\n";
  assert.equal(resolvConf("host", only({ "/etc/resolv.conf": HOST })), expected);
});

test("in a network of its own, name servers on loopback are left out", () => {
  assert.match(resolvConf("none", only({ "/etc/resolv.conf": HOST })), /^nameserver 10\.0\.0\.2\nsearch/);
});

test("systemd's stub is replaced by what systemd itself asks", () => {
  const files = { "/etc/resolv.conf": "nameserver 127.0.0.53\n", "/run/systemd/resolve/resolv.conf": "nameserver 192.0.2.1\n" };
  assert.equal(resolvConf("none", only(files)), "nameserver 192.0.2.1\n");
  assert.equal(resolvConf("host", only(files)), "nameserver 127.0.0.53\n");
});

test("where nobody is named, public name servers are", () => {
  const expected = "nameserver 8.8.8.8\nnameserver 8.8.4.4\nnameserver 2001:4860:4860::8888\nnameserver 2001:4860:4860::8844\n";
  for (const network of ["host", "none"] as const) assert.equal(resolvConf(network, only({})), expected);
  assert.equal(resolvConf("none", only({ "/etc/resolv.conf": "nameserver ::ffff:127.0.0.1\nnameserver 0:0:0:0:0:0:0:1\n" })), expected);
});

test("hosts names the sandbox and what was asked for, in this order", () => {
  const text = hostsFile({ hostname: "", extraHosts: [{ host: "a.test", ip: "10.0.0.1" }, { host: "b.test", ip: "fe80::1" }] });
  assert.equal(text, "127.0.0.1\tlocalhost buildkitsandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.1\ta.test\nfe80::1\tb.test\n");
});
