import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDigest } from "../content/digest.ts";
import { ExecOpSchema, MountType, NetMode, message } from "../llb/op.ts";
import { EMPTY_CAPTURE, execCapture, mergeCaptures, settledCapture, type ImageCapture } from "./capture.ts";
import { completenessOf, incompleteMaterials } from "./completeness.ts";
import { uncapturedInputs } from "./hermetic.ts";
import { materialsOf } from "./materials.ts";

const D = parseDigest(`sha256:${"a".repeat(64)}`);
const ARM = { os: "linux", architecture: "arm64", variant: "v8" };
const RUNC = { runtime: "runc", seccomp: true, rootless: false };

function image(ref: string, more: Partial<ImageCapture> = {}): ImageCapture {
  return { ref, platform: ARM, digest: D, layout: false, ...more };
}

test("a RUN tells what it asked to be lent, and how it reached the network", () => {
  const exec = message(ExecOpSchema, {
    network: NetMode.NONE,
    mounts: [{ mountType: MountType.SECRET, secretOpt: { ID: "a", optional: true } }, { mountType: MountType.SSH, SSHOpt: {} }, { mountType: MountType.CACHE }],
    secretenv: [{ ID: "b", name: "B" }],
  });
  assert.deepEqual(execCapture(exec, RUNC), {
    ...EMPTY_CAPTURE,
    secrets: [{ id: "a", optional: true }, { id: "b", optional: false }],
    ssh: [{ id: "", optional: false }],
    runs: [{ network: "none", open: ["cache-mount", "secret", "ssh"], isolation: RUNC }],
  });
  assert.equal(execCapture(message(ExecOpSchema, {}), RUNC).runs[0]?.network, "host");
});

test("a RUN behind a proxy tells the files that it fetched, and what no digest names", () => {
  const exec = message(ExecOpSchema, { meta: { args: ["/bin/sh", "-c", "wget x"] } });
  const file = { url: "https://example.com/a", digest: D };
  const post = { method: "POST", url: "https://example.com/b", reason: "method_not_materializable" };
  const seen = execCapture(exec, RUNC, { op: D, seen: { files: [file], incomplete: [post] } });
  assert.deepEqual(seen, { ...EMPTY_CAPTURE, http: [file], requests: [{ op: D, name: "/bin/sh -c wget x", ...post }], runs: [{ network: "proxy", open: [], isolation: RUNC }] });
  const unseen = execCapture(exec, RUNC, { op: D, seen: undefined });
  assert.deepEqual(unseen.requests, [{ op: D, name: "/bin/sh -c wget x", method: undefined, url: undefined, reason: "not_captured" }]);
  assert.deepEqual([seen, unseen].map((capture) => completenessOf(capture, { frontend: "dockerfile.v0", scrubbed: false }).resolvedDependencies), [false, false]);
  const whole = execCapture(exec, RUNC, { op: D, seen: { files: [file], incomplete: [] } });
  assert.deepEqual(completenessOf(whole, { frontend: "dockerfile.v0", scrubbed: false }), { request: true, resolvedDependencies: true, hermetic: false });
  assert.deepEqual([whole, seen, unseen].map(uncapturedInputs), [[], ["network"], ["network"]]);
});

test("one URL with two contents is two materials", () => {
  const other = parseDigest(`sha256:${"b".repeat(64)}`);
  const capture = settledCapture({ ...EMPTY_CAPTURE, http: [D, other, D].map((digest) => ({ url: "https://example.com/list", digest })) });
  assert.deepEqual(materialsOf(capture).map(({ digest }) => digest), [{ sha256: "a".repeat(64) }, { sha256: "b".repeat(64) }]);
});

test("a settled capture does not depend on the order or the number of its parts", () => {
  const a = { ...EMPTY_CAPTURE, images: [image("docker.io/library/b:1")], secrets: [{ id: "s", optional: true }], ssh: [{ id: "", optional: true }] };
  const b = { ...EMPTY_CAPTURE, images: [image("docker.io/library/a:1")], secrets: [{ id: "s", optional: false }], locals: [{ name: "context", digest: D }] };
  const settled = settledCapture(mergeCaptures([a, b, a]));
  assert.deepEqual(settled, settledCapture(mergeCaptures([b, a])));
  assert.deepEqual(settled.images.map(({ ref }) => ref), ["docker.io/library/a:1", "docker.io/library/b:1"]);
  assert.deepEqual(settled.secrets, [{ id: "s", optional: false }], "needed once is needed");
  assert.deepEqual(settled.ssh, [{ id: "default", optional: true }]);
});

test("an image that was asked for by tag is not told again by its digest", () => {
  const settled = settledCapture({ ...EMPTY_CAPTURE, images: [image(`docker.io/library/a:1@${D}`), image("docker.io/library/a:1"), image(`docker.io/library/b@${D}`)] });
  assert.deepEqual(materialsOf(settled).map(({ uri }) => uri), ["pkg:docker/a@1?platform=linux%2Farm64", `pkg:docker/b?digest=sha256:${"a".repeat(64)}&platform=linux%2Farm64`]);
});

test("each kind of source has its own form of material", () => {
  const commit = "1".repeat(40);
  const capture = settledCapture({
    ...EMPTY_CAPTURE,
    images: [image(`docker.io/library/layout@${D}`, { layout: true, platform: { os: "linux", architecture: "arm", variant: "v7" } }), image("host:5000/x/y/z:tag", { platform: undefined })],
    git: [{ url: "https://user:pass@example.com/a.git#main", commit }],
    http: [{ url: "https://token@example.com/file", digest: D }],
    locals: [{ name: "context", digest: D }],
  });
  const sha256 = "a".repeat(64);
  assert.deepEqual(materialsOf(capture), [
    { uri: `pkg:oci/layout?digest=sha256:${sha256}&platform=linux%2Farm%2Fv7`, digest: { sha256 } },
    { uri: "pkg:docker/host%3A5000/x/y/z@tag", digest: { sha256 } },
    { uri: "https://user:pass@example.com/a.git#main", digest: { sha1: commit } },
    { uri: "https://token@example.com/file", digest: { sha256 } },
  ]);
});

test("a build is hermetic when every input has a name that others can look up, and no RUN had a network", () => {
  const none = { ...EMPTY_CAPTURE, runs: [{ network: "none" as const, open: [], isolation: undefined }] };
  const state = { frontend: "dockerfile.v0", scrubbed: false };
  assert.deepEqual(completenessOf(none, state), { request: true, resolvedDependencies: true, hermetic: true });
  const withNetwork = { ...none, runs: [...none.runs, { network: "host" as const, open: [], isolation: undefined }] };
  assert.deepEqual(completenessOf(withNetwork, state), { request: true, resolvedDependencies: true, hermetic: false });
  const withLocal = { ...none, locals: [{ name: "context", digest: D }] };
  assert.deepEqual(completenessOf(withLocal, { ...state, scrubbed: true }), { request: false, resolvedDependencies: false, hermetic: false });
  assert.equal(completenessOf({ ...none, incomplete: true }, state).resolvedDependencies, false);
});

test("what keeps the materials from being complete is listed", () => {
  assert.equal(incompleteMaterials(EMPTY_CAPTURE), undefined);
  const text = incompleteMaterials({ ...EMPTY_CAPTURE, locals: [{ name: "context", digest: D }, { name: "dockerfile", digest: D }] });
  assert.match(text ?? "", /^provenance materials are incomplete\n\n.+\n\nUncaptured local sources:\n  - context\n    reason: local_source\n  - dockerfile\n    reason: local_source$/);
});
