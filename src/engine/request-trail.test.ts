import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BridgeReference, BridgeResult } from "../bridge/bridge.ts";
import type { Definition } from "../llb/definition.ts";
import { marshalOutput } from "../llb/marshal.ts";
import { imageSource, sourceOutput } from "../llb/source-vertex.ts";
import { RequestTrail, type AskedRequest } from "./request-trail.ts";

/** A graph that is told apart by a name. */
function graph(name: string): Definition {
  return marshalOutput(sourceOutput(imageSource(`docker.io/library/${name}:1`, "default"), {}), { platform: { OS: "linux", Architecture: "amd64" }, capabilities: new Set(), localUniqueId: "" });
}

function result(...definitions: readonly Definition[]): BridgeResult {
  const none = async (): Promise<never> => assert.fail("nobody looks into it");
  const references = definitions.map((definition): BridgeReference => ({ definition, evaluate: none, readFile: none, readDirectory: none, stat: none }));
  const [single] = references;
  const told = references.length < 2 ? { kind: "single" as const, reference: single } : { kind: "many" as const, references: new Map(references.map((reference, i) => [String(i), reference])) };
  return { references: told, metadata: new Map(), attestations: new Map() };
}

const madeBy = (trail: RequestTrail, { references }: BridgeResult): AskedRequest | undefined => (references.kind === "single" && references.reference !== undefined ? trail.makerOf(references.reference) : undefined);
const target = (name: string): ReadonlyMap<string, string> => new Map([["target", name]]);

describe("what a frontend was asked", () => {
  test("is that of the innermost request, whoever hands the result on", () => {
    const trail = new RequestTrail();
    const [outer, inner] = [trail.ask("gateway.v0", new Map(), new Map()), trail.ask("dockerfile.v0", target("a"), new Map())];
    const made = trail.answer(inner, result(graph("a")));
    assert.equal(madeBy(trail, trail.answer(outer, made)), inner);
    assert.equal(madeBy(trail, trail.answer(outer, result(graph("b")))), outer);
    assert.equal(madeBy(trail, trail.answer(outer, result())), undefined, "an empty tree is nobody's");
  });

  test("has with each input what made it, and so on; not where nobody asked for it", () => {
    const trail = new RequestTrail();
    trail.answer(trail.ask("dockerfile.v0", target("first"), new Map()), result(graph("first")));
    trail.answer(trail.ask("dockerfile.v0", target("second"), new Map([["base", graph("first")]])), result(graph("second"), graph("other")));
    const { inputs } = trail.ask("dockerfile.v0", new Map(), new Map([["made", graph("second")], ["also", graph("other")], ["own", graph("unknown")]]));
    assert.deepEqual([...inputs.keys()], ["made", "also"]);
    assert.deepEqual(inputs.get("made")?.inputs.get("base")?.options, target("first"));
  });

  test("leaves out an input that two different requests made, and keeps one that the same made twice", () => {
    const trail = new RequestTrail();
    const made = (options: ReadonlyMap<string, string>): BridgeResult => trail.answer(trail.ask("dockerfile.v0", options, new Map()), result(graph("same")));
    const inputs = (): ReadonlyMap<string, AskedRequest> => trail.ask("dockerfile.v0", new Map(), new Map([["base", graph("same")]])).inputs;
    made(new Map([["a", "1"], ["b", "2"]]));
    made(new Map([["b", "2"], ["a", "1"]]));
    assert.equal(inputs().size, 1);
    made(target("other"));
    assert.equal(inputs().size, 0);
  });
});
