import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { loadGraph } from "./graph.ts";
import { LlbError } from "./llb-error.ts";
import { marshalOutput } from "./marshal.ts";
import { mergeOutput } from "./merge-vertex.ts";
import { imageSource, localSource, sourceOutput } from "./source-vertex.ts";
import { stateOf, withChanges, withEnv, withRun, type RunStep } from "./state.ts";
import { lateOutput, type MarshalDefaults, type Output } from "./vertex.ts";

const DEFAULTS: MarshalDefaults = { platform: { OS: "linux", Architecture: "amd64" }, capabilities: { has: () => true }, localUniqueId: "u" };
const RUN: RunStep = {
  args: ["true"], mounts: [], secrets: [], sshSockets: [], devices: [], proxy: undefined, extraHosts: [], ulimits: [], cgroupParent: "",
};

function image(name: string): Output {
  return sourceOutput(imageSource(name, "default"), { description: { "llb.customname": name } });
}

function names(output: Output | undefined): readonly string[] {
  return [...loadGraph(marshalOutput(output, DEFAULTS)).vertices.values()].map(({ name }) => name);
}

describe("states", () => {
  test("a variable that is set again moves to the end, and the state it came from stays", () => {
    const first = withEnv(withEnv(stateOf(undefined), "A", "1"), "B", "2");
    assert.deepEqual([...withEnv(first, "A", "3").env], [["B", "2"], ["A", "3"]]);
    assert.deepEqual([...first.env], [["A", "1"], ["B", "2"]]);
  });

  test("what a run adds for itself is not there for the next one", () => {
    const base = stateOf(image("base"));
    const after = withRun(base, { ...RUN, network: 2 }, {});
    assert.equal(after.network, base.network);
  });

  test("an empty tree gives an empty definition", () => {
    assert.deepEqual(marshalOutput(undefined, DEFAULTS), { def: [], metadata: new Map(), source: undefined });
  });

  test("inputs stand before their users, copies from the last to the first", () => {
    const copy = (from: Output): { kind: "copy"; from: Output; copy: { source: string; dest: string } } => ({ kind: "copy", from, copy: { source: "/", dest: "/" } });
    const state = withChanges(stateOf(image("base")), [copy(image("one")), copy(image("two"))], { description: { "llb.customname": "files" } });
    assert.deepEqual(names(state.output), ["base", "two", "one", "files"]);
  });

  test("equal steps are one, with all that is said of both", () => {
    const [left, right] = [image("same"), sourceOutput(imageSource("same", "default"), { description: { extra: "x" }, ignoreCache: true })];
    const definition = marshalOutput(mergeOutput([left, right], {}), DEFAULTS);
    assert.equal(definition.def.length, 3);
    const [first] = definition.def;
    const metadata = definition.metadata.get(digestOf(first ?? new Uint8Array()));
    assert.deepEqual([metadata?.description, metadata?.ignoreCache], [{ "llb.customname": "same", extra: "x" }, true]);
  });

  test("a late output is asked for when the graph is marshalled, not before", () => {
    let found: Output | undefined;
    const state = withRun(stateOf(lateOutput(() => found)), RUN, { description: { "llb.customname": "run" } });
    found = image("late");
    assert.deepEqual(names(state.output), ["late", "run"]);
  });

  test("a merge with empty trees is what is not empty", () => {
    const tree = image("tree");
    assert.equal(mergeOutput([undefined, tree], {}), tree);
    assert.equal(mergeOutput([undefined, undefined], {}), undefined);
  });

  test("a directory that no session lends gets a name of its own", () => {
    const local = localSource({ name: "context", sessionId: "", sharedKeyHint: "", followPaths: "", excludePatterns: "", sendsAll: false });
    const [vertex] = loadGraph(marshalOutput(sourceOutput(local, {}), DEFAULTS)).vertices.values();
    assert.deepEqual(vertex?.op.op.case === "source" ? vertex.op.op.value.attrs : undefined, { "local.unique": "u" });
  });

  test("a run without a command cannot be marshalled", () => {
    const { output } = withRun(stateOf(undefined), { ...RUN, args: [] }, {});
    assert.throws(() => marshalOutput(output, DEFAULTS), new LlbError("invalid-definition", "arguments are required"));
  });

  test("a very long chain of steps is no deeper than the stack allows", () => {
    let state = stateOf(image("base"));
    for (let step = 0; step < 20_000; step++) state = withChanges(state, [{ kind: "mkdir", path: `/${step}`, mode: 0o755, makeParents: false }], {});
    assert.equal(marshalOutput(state.output, DEFAULTS).def.length, 20_002);
  });
});
