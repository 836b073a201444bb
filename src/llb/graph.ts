import { create, fromBinary } from "@bufbuild/protobuf";
import { digestOf, type Digest } from "../content/digest.ts";
import { OpMetadataSchema, OpSchema, type Location, type Op, type OpMetadata } from "../proto/pb/ops_pb.ts";
import { vertexDigest, type Definition } from "./definition.ts";
import { describeOp } from "./describe-op.ts";
import { LlbError } from "./llb-error.ts";

/** One output of one vertex. */
export interface LlbEdge {
  readonly digest: Digest;
  readonly index: number;
}

export interface LlbVertex {
  /** Of the bytes received: an op is never encoded anew. */
  readonly digest: Digest;
  readonly op: Op;
  readonly inputs: readonly LlbEdge[];
  readonly metadata: OpMetadata;
  /** `llb.customname`, or what the op does in a few words. */
  readonly name: string;
  readonly locations: readonly Location[];
}

export interface LlbGraph {
  /** In the order of the definition, without the head. */
  readonly vertices: ReadonlyMap<Digest, LlbVertex>;
  /** The result; undefined for an empty tree. */
  readonly head: LlbEdge | undefined;
}

/** Far above any real build, far below what would exhaust memory. */
const VERTICES_MAX = 100_000;
const INDEX_MAX = 100_000n;

/** Reads and checks a graph. Throws LlbError: a bad message, an input that is not there, a cycle, or too many vertices. */
export function loadGraph(definition: Definition): LlbGraph {
  if (definition.def.length > VERTICES_MAX + 1) {
    throw new LlbError("too-many-vertices", `LLB definition has ${definition.def.length} vertices, more than ${VERTICES_MAX}`);
  }
  const vertices = new Map<Digest, LlbVertex>();
  let last: LlbVertex | undefined;
  for (const bytes of definition.def) {
    if (last !== undefined) vertices.set(last.digest, last);
    last = loadVertex(bytes, definition, vertices);
  }
  if (last === undefined) return { vertices, head: undefined };
  const head = last.inputs[0];
  if (head === undefined || last.op.op.case !== undefined) throw new LlbError("invalid-definition", "LLB definition does not end with a pointer to its result");
  checkEdges([...vertices.values(), last], vertices);
  return { vertices, head };
}

function loadVertex(bytes: Uint8Array, { metadata, source }: Definition, before: ReadonlyMap<Digest, LlbVertex>): LlbVertex {
  const digest = digestOf(bytes);
  const op = decodeOp(bytes, digest);
  const inputs = op.inputs.map((input) => ({ digest: vertexDigest(input.digest), index: outputIndex(input.index, digest) }));
  const about = metadata.get(digest) ?? create(OpMetadataSchema);
  const inputName = (index: number): string => {
    const digestOfInput = inputs[index]?.digest;
    return digestOfInput === undefined ? "nothing" : (before.get(digestOfInput)?.name ?? digestOfInput);
  };
  const name = about.description["llb.customname"] ?? describeOp(op, inputName);
  return { digest, op, inputs, metadata: about, name, locations: source?.locations[digest]?.locations ?? [] };
}

function decodeOp(bytes: Uint8Array, digest: Digest): Op {
  try {
    return fromBinary(OpSchema, bytes);
  } catch (error) {
    throw new LlbError("invalid-definition", `${digest} is not an LLB op: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function outputIndex(index: bigint, digest: Digest): number {
  if (index < 0n || index > INDEX_MAX) throw new LlbError("invalid-definition", `${digest} asks for output ${index} of an input`);
  return Number(index);
}

/** Every input is there, and none leads back: definitions may come in any order. */
function checkEdges(all: readonly LlbVertex[], vertices: ReadonlyMap<Digest, LlbVertex>): void {
  const state = new Map<LlbVertex, "open" | "done">();
  for (const start of all) {
    const stack = [start];
    for (let vertex = stack.at(-1); vertex !== undefined; vertex = stack.at(-1)) {
      if (state.has(vertex)) {
        state.set(vertex, "done");
        stack.pop();
        continue;
      }
      state.set(vertex, "open");
      for (const { digest } of vertex.inputs) {
        const input = vertices.get(digest);
        if (input === undefined) throw new LlbError("missing-input", `invalid missing input digest ${digest} of ${vertex.digest} (${vertex.name})`);
        const seen = state.get(input);
        if (seen === "open") throw new LlbError("cycle", `LLB definition has a cycle at ${digest} (${input.name})`);
        if (seen === undefined) stack.push(input);
      }
    }
  }
}
