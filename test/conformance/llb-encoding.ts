import { fromBinary } from "@bufbuild/protobuf";
import { digestOf } from "../../src/content/digest.ts";
import { decodeDefinition, encodeDefinition } from "../../src/llb/definition.ts";
import { encodeMessage } from "../../src/llb/encode.ts";
import { loadGraph } from "../../src/llb/graph.ts";
import { OpSchema } from "../../src/llb/op.ts";
import type { LlbRecord, PlatformOutcome } from "./llb-record.ts";

/** Where reading and writing a record's graphs does not give their own bytes again; nothing where all is equal. */
export function encodingDifferences({ result }: LlbRecord): readonly string[] {
  return (result.results ?? []).flatMap(definitionDifferences);
}

function definitionDifferences({ def }: PlatformOutcome): readonly string[] {
  const bytes = Buffer.from(def.pb, "base64");
  const ops = def.ops ?? [];
  const isSame = Buffer.from(encodeDefinition(decodeDefinition(bytes))).equals(bytes);
  const steps = loadGraph(decodeDefinition(bytes)).vertices.size;
  return [
    ...(isSame ? [] : ["the definition is written differently"]),
    ...(steps === Math.max(ops.length - 1, 0) ? [] : [`${steps} steps in a graph of ${ops.length} ops`]),
    ...ops.flatMap((op) => {
      const again = encodeMessage(OpSchema, fromBinary(OpSchema, Buffer.from(op.pb, "base64")));
      return Buffer.from(again).toString("base64") === op.pb && digestOf(again) === op.digest ? [] : [`op ${op.digest} is written differently`];
    }),
  ];
}
