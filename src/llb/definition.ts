import { create, fromBinary } from "@bufbuild/protobuf";
import { InvalidDigestError, parseDigest, type Digest } from "../content/digest.ts";
import { DefinitionSchema, type Definition as DefinitionMessage, type OpMetadata, type Source } from "../proto/pb/ops_pb.ts";
import { encodeMessage } from "./encode.ts";
import { LlbError } from "./llb-error.ts";

/** A graph as it travels: ops as bytes, since these bytes are their identity. */
export interface Definition {
  /** Inputs before users; the last one only points at the result. Empty for an empty tree. */
  readonly def: readonly Uint8Array[];
  readonly metadata: ReadonlyMap<Digest, OpMetadata>;
  readonly source: Source | undefined;
}

/** Deterministic bytes; BuildKit writes the maps in it in any order. */
export function encodeDefinition(definition: Definition): Uint8Array {
  return encodeMessage(DefinitionSchema, definitionMessage(definition));
}

/** Throws LlbError("invalid-definition"). */
export function decodeDefinition(bytes: Uint8Array): Definition {
  let message: DefinitionMessage;
  try {
    message = fromBinary(DefinitionSchema, bytes);
  } catch (error) {
    throw new LlbError("invalid-definition", `not an LLB definition: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return definitionOf(message);
}

/** For messages that hold a definition, such as BuildOp's. Throws LlbError("invalid-definition"). */
export function definitionOf(message: DefinitionMessage): Definition {
  const metadata = Object.entries(message.metadata).map(([digest, entry]) => [vertexDigest(digest), entry] as const);
  return { def: message.def, metadata: new Map(metadata), source: message.Source };
}

export function definitionMessage({ def, metadata, source }: Definition): DefinitionMessage {
  return create(DefinitionSchema, { def: [...def], metadata: Object.fromEntries(metadata), ...(source === undefined ? {} : { Source: source }) });
}

/** Throws LlbError("invalid-definition"). */
export function vertexDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    if (error instanceof InvalidDigestError) throw new LlbError("invalid-definition", error.message, { cause: error });
    throw error;
  }
}
