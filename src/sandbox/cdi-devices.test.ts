import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readCdiDevices } from "./cdi-devices.ts";
import { sandboxDevice } from "./sandbox-device.ts";

const device = (name: string, value: string): object => ({ name, containerEdits: { env: [`FROM=${value}`] } });

test("later directories win, and two files of one directory cancel each other out", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-cdi-"));
  const directories = ["etc", "run"].map((name) => join(folder.path, name));
  const write = (path: string, devices: readonly object[]): void => writeFileSync(join(folder.path, path), JSON.stringify({ cdiVersion: "0.6.0", kind: "a.com/b", devices }));
  for (const directory of directories) mkdirSync(directory);
  write("etc/one.json", [device("x", "etc"), device("y", "etc"), device("twice", "one")]);
  write("etc/two.json", [device("twice", "two")]);
  write("run/one.json", [device("y", "run")]);
  writeFileSync(join(folder.path, "etc/other.txt"), "{");
  const devices = await readCdiDevices({ directories: [...directories, join(folder.path, "absent")], autoAllowed: ["a.com/b=y"] });
  assert.deepEqual(["a.com/b", "a.com/b=*", "a.com/b=twice", "a.com/c"].map((name) => devices.find(name)), [["a.com/b=x"], ["a.com/b=x", "a.com/b=y"], [], []]);
  assert.deepEqual(devices.edits(["a.com/b=x", "a.com/b=y"]).env, ["FROM=etc", "FROM=run"]);
  assert.deepEqual([devices.isAutoAllowed("a.com/b=x"), devices.isAutoAllowed("a.com/b=y")], [false, true]);
});

test("a file that cannot be understood is an error that names it", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-cdi-"));
  for (const [text, complaint] of [["kind: [", /bad\.yaml cannot be read: /], ["kind: a.com/b\ndevices: x\n", /bad\.yaml: devices: a list is needed$/], ["kind: a.com/b\ndevices:\n- name: d\n  containerEdits:\n    deviceNodes:\n    - path: /dev/x\n      uid: many\n", /uid: a number is needed, not "many"$/]] as const) {
    writeFileSync(join(folder.path, "bad.yaml"), text);
    await assert.rejects(readCdiDevices({ directories: [folder.path], autoAllowed: [] }), (error: Error & { readonly code: string }) => error.code === "device" && complaint.test(error.message));
  }
});

test("shares of a processor and interfaces are read, the last of the one and all of the other, and what contradicts itself is refused", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-cdi-"));
  const wire = (hostInterfaceName: string, name: string): object => ({ netDevices: [{ hostInterfaceName, name }] });
  const edits: Readonly<Record<string, object>> = { first: { intelRdt: { closID: "/" } }, last: { intelRdt: { l3CacheSchema: "L3:0=f", enableMonitoring: false } }, one: wire("a", "eth1"), two: wire("b", "eth2"), sameHost: wire("a", "eth3"), sameName: wire("c", "eth1") };
  const write = (devices: Readonly<Record<string, object>>): void => writeFileSync(join(folder.path, "a.json"), JSON.stringify({ kind: "a.com/b", devices: Object.entries(devices).map(([name, containerEdits]) => ({ name, containerEdits })) }));
  const read = (): ReturnType<typeof readCdiDevices> => readCdiDevices({ directories: [folder.path], autoAllowed: [] });
  write(edits);
  const of = async (...names: readonly string[]): Promise<ReturnType<Awaited<ReturnType<typeof read>>["edits"]>> => (await read()).edits(names.map((name) => `a.com/b=${name}`));
  assert.deepEqual((await of("first")).intelRdt?.value, { closID: "/" });
  assert.deepEqual((await of("first", "last")).intelRdt?.value, { l3CacheSchema: "L3:0=f" });
  assert.deepEqual((await of("one", "two")).netDevices.map(({ value }) => value), [{ hostName: "a", name: "eth1" }, { hostName: "b", name: "eth2" }]);
  await assert.rejects(of("one", "sameHost"), /duplicate HostInterfaceName "a"$/);
  await assert.rejects(of("one", "sameName"), /duplicate Name "eth1"$/);
  for (const closID of ["..", "a/b", "x".repeat(4096)]) {
    write({ bad: { intelRdt: { closID } } });
    await assert.rejects(of("bad"), /a\.json: bad: containerEdits: intelRdt: invalid ClosID$/);
  }
});

test("a node is one that the machine has, and lies in /dev", () => {
  const node = { path: "/dev/n", hostPath: "/dev/null", permissions: "r", mode: 0o600, uid: 5, gid: undefined };
  assert.deepEqual(sandboxDevice(node), { path: "/dev/n", source: "/dev/null", kind: "char", major: 1, minor: 3, mode: 0o600, uid: 5, gid: 0, permissions: "r" });
  assert.throws(() => sandboxDevice({ ...node, hostPath: "/dev/absent-device" }), /the device \/dev\/absent-device is not there/);
  assert.throws(() => sandboxDevice({ ...node, hostPath: "/etc/passwd" }), /is no device/);
  for (const path of ["/etc/n", "/dev/../etc/n", "/dev", "dev/n"]) assert.throws(() => sandboxDevice({ ...node, path }), /in \/dev only/);
});
