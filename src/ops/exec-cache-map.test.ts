import assert from "node:assert/strict";
import { test } from "node:test";
import { ExecOpSchema, message, MountContentCache, MountType, NetMode, type ExecOp, type MessageInitShape } from "../llb/op.ts";
import { layerOf } from "../testing/tree-text.ts";
import { execCacheMap } from "./exec.ts";
import { OperationError } from "./operation-error.ts";

type ExecFields = Pick<Exclude<MessageInitShape<typeof ExecOpSchema>, ExecOp>, "meta" | "mounts" | "network" | "secretenv">;

const root = { input: 0n, dest: "/", output: 0n };
const exec = (change: ExecFields = {}): ExecOp => message(ExecOpSchema, { meta: { args: ["make"], env: ["A=1"], cwd: "/" }, mounts: [root], ...change });
const key = (op: ExecOp, platform = "linux/amd64"): string => execCacheMap(op, platform).digest;

test("the key covers the command, its surroundings and its mounts, the name of a cache among them", () => {
  const cache = (id: string): ExecOp => exec({ mounts: [root, { input: -1n, dest: "/c", output: -1n, mountType: MountType.CACHE, cacheOpt: { ID: id } }] });
  const keys = [
    key(exec()), key(exec(), "linux/arm64"), key(exec({ network: NetMode.NONE })), key(exec({ meta: { args: ["make"], env: ["A=1"], cwd: "/", cgroupParent: "/builds" } })), key(exec({ meta: { args: ["make"], env: ["A=2"], cwd: "/" } })),
    key(cache("one")), key(cache("two")), key(exec({ secretenv: [{ ID: "t", name: "T" }] })),
  ];
  assert.equal(new Set(keys).size, keys.length);
});

test("the key leaves out proxies", () => {
  const proxied = exec({ meta: { args: ["make"], env: ["A=1"], cwd: "/", proxyEnv: { httpProxy: "http://proxy.example.com" } } });
  assert.equal(key(proxied), key(exec()));
});

test("of an input that counts whole, the key has the part that is mounted", () => {
  const mounted = (selector: string): ExecOp => exec({ mounts: [root, { input: 0n, dest: "/m", selector, readonly: true, output: -1n }] });
  assert.notEqual(key(mounted("/etc")), key(mounted("/data")));
  const ofAnother = (selector: string): ExecOp => exec({ mounts: [root, { input: 1n, dest: "/m", selector, readonly: true, output: -1n }] });
  assert.equal(key(ofAnother("/etc")), key(ofAnother("/data")));
});

test("what a command may write on, and nobody gets, counts by its content too", () => {
  const contents = (...mounts: NonNullable<ExecFields["mounts"]>): readonly boolean[] => execCacheMap(exec({ mounts: [root, ...mounts] }), "linux/amd64").contentOf.map((contentOf) => contentOf !== undefined);
  assert.deepEqual(contents({ input: 1n, dest: "/src", selector: "/src", output: -1n }), [false, true]);
  assert.deepEqual(contents({ input: 1n, dest: "/cache", selector: "/seed", output: -1n, mountType: MountType.CACHE, cacheOpt: { ID: "c" } }), [false, true]);
  assert.deepEqual(contents({ input: 1n, dest: "/src", selector: "/src", output: 1n }), [false, false]);
  assert.deepEqual(contents({ input: 1n, dest: "/src", output: -1n, contentCache: MountContentCache.OFF }), [false, false]);
  assert.deepEqual(contents({ input: 0n, dest: "/src", readonly: true, output: -1n }), [false]);
});

test("what is only read counts by its content, what may be written on by what made it", async () => {
  const signal = new AbortController().signal;
  const op = exec({ mounts: [root, { input: 1n, dest: "/src", selector: "/src", readonly: true, output: -1n }] });
  const [ofRoot, ofSource] = execCacheMap(op, "linux/amd64").contentOf;
  assert.equal(ofRoot, undefined);
  const digest = (...lines: string[]): Promise<string> | undefined => ofSource?.([layerOf(lines.join("-"), lines)], signal);
  const used = await digest("d 755 0:0 src", "f 644 0:0 src/a = one");
  assert.equal(await digest("d 755 0:0 src", "f 644 0:0 src/a = one", "f 644 0:0 beside = two"), used);
  assert.notEqual(await digest("d 755 0:0 src", "f 644 0:0 src/a = two"), used);
  await assert.rejects(digest("d 755 0:0 other") ?? Promise.resolve(), (error) => error instanceof OperationError && error.code === "missing-input" && /"\/src": not found/.test(error.message));
});
