import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { digestOf, type Digest } from "../content/digest.ts";
import { decodeDefinition, encodeDefinition, type Definition } from "./definition.ts";
import { encodeMessage } from "./encode.ts";
import { loadGraph } from "./graph.ts";
import { LlbError } from "./llb-error.ts";
import { message, OpMetadataSchema, OpSchema, SourceSchema, type MessageInitShape } from "./op.ts";

type OpInit = MessageInitShape<typeof OpSchema>;
type OpKind = NonNullable<OpInit["op"]>;

function opBytes(op: OpKind | undefined, ...inputs: readonly Uint8Array[]): Uint8Array {
  return encodeMessage(OpSchema, message(OpSchema, { inputs: inputs.map((bytes) => ({ digest: digestOf(bytes) })), ...(op === undefined ? {} : { op }) }));
}

function definitionOfOps(...def: readonly Uint8Array[]): Definition {
  return { def, metadata: new Map(), source: undefined };
}

const base = opBytes({ case: "source", value: { identifier: "docker-image://docker.io/library/alpine:3" } });
const run = opBytes({ case: "exec", value: { meta: { args: ["make", "all"] } } }, base);

function failsWith(code: LlbError["code"], definition: Definition): void {
  assert.throws(() => loadGraph(definition), (error: unknown) => error instanceof LlbError && error.code === code);
}

describe("a graph of LLB", () => {
  test("has the vertices in order, their names, and the result", () => {
    const metadata = new Map([[digestOf(run), message(OpMetadataSchema, { description: { "llb.customname": "[2/2] RUN make all" } })]]);
    const source = message(SourceSchema, { locations: { [digestOf(run)]: { locations: [{ ranges: [{ start: { line: 2 }, end: { line: 2 } }] }] } } });
    const graph = loadGraph(decodeDefinition(encodeDefinition({ def: [base, run, opBytes(undefined, run)], metadata, source })));
    assert.deepEqual([...graph.vertices.values()].map(({ digest, name }) => [digest, name]), [
      [digestOf(base), "docker-image://docker.io/library/alpine:3"],
      [digestOf(run), "[2/2] RUN make all"],
    ]);
    assert.deepEqual(graph.head, { digest: digestOf(run), index: 0 });
    assert.deepEqual(graph.vertices.get(digestOf(run))?.inputs, [{ digest: digestOf(base), index: 0 }]);
    assert.equal(graph.vertices.get(digestOf(run))?.locations[0]?.ranges[0]?.start?.line, 2);
  });

  test("an unnamed step is named by what it does and to what", () => {
    const merge = opBytes({ case: "merge", value: { inputs: [{ input: 0n }, { input: 1n }] } }, base, run);
    const graph = loadGraph(definitionOfOps(base, run, merge, opBytes(undefined, merge)));
    assert.equal(graph.vertices.get(digestOf(merge))?.name, "merge (docker-image://docker.io/library/alpine:3, make all)");
  });

  test("an empty definition has no result", () => {
    assert.deepEqual(loadGraph(definitionOfOps()), { vertices: new Map(), head: undefined });
  });

  test("vertices may come in any order", () => {
    assert.equal(loadGraph(definitionOfOps(run, base, opBytes(undefined, run))).vertices.size, 2);
  });

  test("an input that is not there is named", () => {
    assert.throws(() => loadGraph(definitionOfOps(run, opBytes(undefined, run))), new RegExp(`invalid missing input digest ${digestOf(base)} of ${digestOf(run)}`));
    failsWith("missing-input", definitionOfOps(opBytes(undefined, run)));
  });

  test("a definition must end with a pointer to its result", () => {
    failsWith("invalid-definition", definitionOfOps(base));
    failsWith("invalid-definition", definitionOfOps(base, run));
  });

  test("bytes that are no messages, and digests that are none, are refused", () => {
    assert.throws(() => decodeDefinition(Buffer.from([0x0a, 0xff])), LlbError);
    failsWith("invalid-definition", definitionOfOps(Buffer.from([0x0a, 0xff])));
    failsWith("invalid-definition", definitionOfOps(encodeMessage(OpSchema, message(OpSchema, { inputs: [{ digest: "md5:0" as Digest }] }))));
  });

  test("too many vertices are refused before they are read", () => {
    failsWith("too-many-vertices", definitionOfOps(...Array.from({ length: 100_002 }, () => Buffer.from([0xff]))));
  });
});
