import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BuildPolicy } from "./build-policy.ts";
import { DEFAULT_POLICY, DEFAULT_POLICY_NAME } from "./default-policy.ts";

const policy = new BuildPolicy([{ file: DEFAULT_POLICY_NAME, text: DEFAULT_POLICY }], { readModule: () => undefined, readFile: () => undefined, nowNs: 0n, log: () => undefined });

function decide(repo: string, tag: string | undefined, signatures: readonly object[]): { readonly allow: boolean; readonly messages: readonly string[] } {
  const known = { ref: `docker.io/${repo}:${tag}`, fullRepo: `docker.io/${repo}`, tag, hasProvenance: true, signatures };
  const answer = policy.decide({ input: { kind: "image", known, open: [], signed: new Map() }, environment: {}, verify: () => undefined });
  assert.ok(answer.kind === "decided");
  return answer;
}

function signature(repo: string, ref: string, change: object = {}): object {
  return {
    kind: "docker-github-builder", type: "bundle-v0.3", timestamps: [{ type: "Tlog" }],
    signer: { certificateIssuer: "CN=sigstore-intermediate,O=sigstore.dev", issuer: "https://token.actions.githubusercontent.com", runnerEnvironment: "github-hosted", sourceRepositoryURI: `https://github.com/${repo}`, sourceRepositoryRef: ref },
    ...change,
  };
}

const BUILDKIT = "moby/buildkit";
const SYFT = "docker/buildkit-syft-scanner";

describe("buildx's own policy", () => {
  test("leaves alone what is not Docker's, what has no tag, and releases from before there were signatures", () => {
    for (const [repo, tag] of [
      ["library/alpine", "latest"], ["docker/dockerfile", undefined], ["docker/dockerfile", "1.20"], ["docker/dockerfile", "1.20.9-labs"], ["docker/dockerfile", "something"],
      [SYFT, "1.9"], [BUILDKIT, "v0.26.9"], [BUILDKIT, "v0.26.0-rootless"], [BUILDKIT, "master-cache"], [BUILDKIT, "v0.9.0"], ["moby/buildkit2", "latest"],
    ] as const) assert.equal(decide(repo, tag, []).allow, true, `${repo}:${tag}`);
  });

  test("wants a signature by Docker's builder out of the sources of that very release", () => {
    for (const [repo, tag, source, ref, others] of [
      ["docker/dockerfile", "1.21", BUILDKIT, "refs/tags/dockerfile/1.21.3", ["refs/tags/dockerfile/1.22.0", "refs/tags/dockerfile/1.21.3-labs", "refs/tags/v1.21.3", "refs/heads/master"]],
      ["docker/dockerfile", "1", BUILDKIT, "refs/tags/dockerfile/1.30.0", ["refs/tags/dockerfile/2.0.0", "refs/tags/dockerfile/1.30.0-labs"]],
      ["docker/dockerfile", "1.21.3-labs", BUILDKIT, "refs/tags/dockerfile/1.21.3-labs", ["refs/tags/dockerfile/1.21.3", "refs/tags/dockerfile/1.21.4-labs"]],
      ["docker/dockerfile-upstream", "2.0.1", BUILDKIT, "refs/tags/dockerfile/2.0.1", ["refs/tags/dockerfile/2.0.2"]],
      ["docker/dockerfile", "latest", BUILDKIT, "refs/heads/master", []],
      [SYFT, "1.10", SYFT, "refs/tags/1.10.0", ["refs/tags/1.11.0", "refs/heads/1.10.0"]],
      [SYFT, "latest", SYFT, "refs/heads/main", []],
      [BUILDKIT, "v0.27.0-rootless", BUILDKIT, "refs/tags/v0.27.0", ["refs/tags/v0.27.1", "refs/heads/master"]],
      [BUILDKIT, "v1.0.0-rc1", BUILDKIT, "refs/tags/v1.0.0-rc1", ["refs/tags/v1.0.0"]],
      [BUILDKIT, "buildx-stable-1", BUILDKIT, "refs/heads/master", []],
      [BUILDKIT, "nightly", BUILDKIT, "refs/heads/master", []],
    ] as const) {
      const name = `${repo}:${tag}`;
      assert.equal(decide(repo, tag, [signature("a/b", ref), signature(source, ref)]).allow, true, name);
      assert.deepEqual(decide(repo, tag, []).messages, [`image docker.io/${name} is not allowed by default policy: a verified docker-github-builder signature is required for ${tag} tag`]);
      for (const bad of [
        ...others.map((other) => signature(source, other)), signature("a/b", ref), signature(source, ref, { kind: "self-signed" }), signature(source, ref, { timestamps: [] }),
        signature(source, ref, { type: "simplesigning-v1" }), signature(source, ref, { signer: { sourceRepositoryURI: `https://github.com/${source}`, sourceRepositoryRef: ref } }),
      ]) assert.equal(decide(repo, tag, [bad]).allow, false, `${name} ${JSON.stringify(bad)}`);
    }
  });
});
