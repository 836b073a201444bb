import assert from "node:assert/strict";
import { test } from "node:test";
import type { Definition } from "../llb/definition.ts";
import { execOutput } from "../llb/exec-vertex.ts";
import { marshalOutput } from "../llb/marshal.ts";
import { NetMode, SecurityMode } from "../llb/op.ts";
import { imageSource, sourceOutput } from "../llb/source-vertex.ts";
import { customName } from "../llb/vertex.ts";
import { describeDefinition } from "./describe-definition.ts";
import { explainDifference } from "./explain-difference.ts";

function definition(image: string, command: string, name = "[2/2] RUN"): Definition {
  const root = sourceOutput(imageSource(image, "default"), { description: customName(`[1/2] FROM ${image}`) });
  const step = {
    root, args: ["/bin/sh", "-c", command], env: new Map(), dir: "/", user: "", hostname: "", network: NetMode.UNSET, security: SecurityMode.SANDBOX,
    mounts: [], secrets: [], sshSockets: [], devices: [], proxy: undefined, extraHosts: [], ulimits: [], cgroupParent: "",
  } as unknown as Parameters<typeof execOutput>[0];
  return marshalOutput(execOutput(step, { description: customName(name) }), { platform: undefined, capabilities: undefined, localUniqueId: "" } as unknown as Parameters<typeof marshalOutput>[1]);
}

const ALPINE = "docker.io/library/alpine:3";

test("equal definitions have no difference", () => {
  assert.equal(explainDifference(definition(ALPINE, "true"), definition(ALPINE, "true")), undefined);
});

test("the first step that differs is named, with the member that does", () => {
  assert.match(explainDifference(definition(ALPINE, "true"), definition(ALPINE, "false")) ?? "", /^the step "\[2\/2\] RUN" differs: Op\.exec\.meta\.args\[2\] is "true" in A and "false" in B\n {2}A: sha256:/);
  // The base comes first, though the command on it has another digest too.
  assert.match(explainDifference(definition(ALPINE, "true"), definition("docker.io/library/debian:12", "true")) ?? "", /^A's step "\[1\/2\] FROM docker\.io\/library\/alpine:3" is .*Op\.source\.identifier is/);
});

test("what is only said of a step is told apart from the step", () => {
  assert.match(explainDifference(definition(ALPINE, "true"), definition(ALPINE, "true", "other")) ?? "", /^the steps are the same; what is said of "\[2\/2\] RUN" differs: description\.llb\.customname is "\[2\/2\] RUN" in A and "other" in B$/);
});

test("a definition is shown one op a line, with its digest", () => {
  const lines = describeDefinition(definition(ALPINE, "true")).trimEnd().split("\n").map((line) => JSON.parse(line) as { readonly Op: object; readonly Digest: string });
  assert.equal(lines.length, 3);
  assert.deepEqual(lines[0]?.Op, { Op: { source: { identifier: `docker-image://${ALPINE}` } }, constraints: {} });
  assert.ok(lines.every(({ Digest }) => Digest.startsWith("sha256:")));
});
