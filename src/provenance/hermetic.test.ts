import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { ExecOpSchema, message, MountType, NetMode, SecurityMode, type ExecOp } from "../llb/op.ts";
import { EMPTY_CAPTURE, execCapture, mergeCaptures, type Capture } from "./capture.ts";
import { uncapturedInputs } from "./hermetic.ts";

const D = digestOf(Buffer.from("content"));

/** Everything that a build can use and that has a name: images, a repository, a file of the web, a local directory. */
const NAMED: Capture = {
  ...EMPTY_CAPTURE,
  images: [{ ref: "docker.io/library/a:1", platform: undefined, digest: D, layout: false }],
  git: [{ url: "https://example.com/a.git#main", commit: "c".repeat(40) }],
  http: [{ url: "https://example.com/file", digest: D }],
  locals: [{ name: "context", digest: D }],
};

function running(...ops: readonly ExecOp[]): readonly string[] {
  return uncapturedInputs(mergeCaptures([NAMED, ...ops.map((op) => execCapture(op, undefined))]));
}

const alone = { network: NetMode.NONE } as const;

test("a build all of whose inputs have a digest is hermetic, a local directory too, which BuildKit counts as unknown", () => {
  assert.deepEqual(uncapturedInputs(NAMED), []);
  assert.deepEqual(running(message(ExecOpSchema, alone)), []);
});

const rows: ReadonlyArray<readonly [what: string, exec: Parameters<typeof message<typeof ExecOpSchema>>[1], word: string]> = [
  ["a RUN with a network", {}, "network"],
  ["a cache mount", { ...alone, mounts: [{ mountType: MountType.CACHE }] }, "cache-mount"],
  ["a secret in a file", { ...alone, mounts: [{ mountType: MountType.SECRET }] }, "secret"],
  ["a secret in a variable", { ...alone, secretenv: [{ ID: "a", name: "A", optional: true }] }, "secret"],
  ["an ssh agent", { ...alone, mounts: [{ mountType: MountType.SSH }] }, "ssh"],
  ["a device", { ...alone, cdiDevices: [{ name: "vendor.com/gpu=0" }] }, "device"],
  ["a RUN without a sandbox's protection", { ...alone, security: SecurityMode.INSECURE }, "security"],
];

for (const [what, exec, word] of rows) {
  test(`${what} is an input that nobody captures`, () => {
    assert.deepEqual(running(message(ExecOpSchema, alone), message(ExecOpSchema, exec)), [word]);
  });
}

test("a result that a cache of another machine gave is an input that nobody captures", () => {
  assert.deepEqual(uncapturedInputs(mergeCaptures([NAMED, { ...EMPTY_CAPTURE, imported: true }])), ["cache"]);
});

test("mounts of the build's own trees, and memory, bring in nothing", () => {
  assert.deepEqual(running(message(ExecOpSchema, { ...alone, mounts: [{ mountType: MountType.BIND }, { mountType: MountType.TMPFS }] })), []);
});

test("secrets and agents that fetched what has a digest do not count", () => {
  assert.deepEqual(uncapturedInputs({ ...NAMED, secrets: [{ id: "GIT_AUTH_TOKEN", optional: true }], ssh: [{ id: "default", optional: true }] }), []);
});

test("what has no digest counts, each thing once and sorted", () => {
  const image = { ref: "docker.io/library/b:1", platform: undefined, digest: undefined, layout: false };
  assert.deepEqual(uncapturedInputs({ ...NAMED, images: [...NAMED.images, image], locals: [{ name: "context", digest: undefined }], incomplete: true }), ["image", "local", "unknown"]);
  assert.deepEqual(running(message(ExecOpSchema, {}), message(ExecOpSchema, { mounts: [{ mountType: MountType.CACHE }] })), ["cache-mount", "network"]);
});
