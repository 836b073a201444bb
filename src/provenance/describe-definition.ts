import { fromBinary } from "@bufbuild/protobuf";
import { digestOf } from "../content/digest.ts";
import { definitionMessage, type Definition } from "../llb/definition.ts";
import { DefinitionSchema, LocationsSchema, message, OpMetadataSchema, OpSchema } from "../llb/op.ts";
import { renderJson, type JsonObject } from "./json-tree.ts";
import { messageJson } from "./op-json.ts";

/**
 * A definition for people: JSON, one op a line, inputs first, with the members that `buildctl debug dump-llb` shows
 * (`Op`, `Digest`, `OpMetadata`), and `Locations` where the op stands in a source file.
 */
export function describeDefinition(definition: Definition): string {
  return definition.def.map((bytes) => `${renderJson(opLine(bytes, definition), "compact")}\n`).join("");
}

function opLine(bytes: Uint8Array, { metadata, source }: Definition): JsonObject {
  const digest = digestOf(bytes);
  const locations = source?.locations[digest];
  return {
    Op: messageJson(OpSchema, fromBinary(OpSchema, bytes)),
    Digest: digest,
    OpMetadata: messageJson(OpMetadataSchema, metadata.get(digest) ?? message(OpMetadataSchema)),
    Locations: locations === undefined || locations.locations.length === 0 ? undefined : messageJson(LocationsSchema, locations)["locations"],
  };
}

/** The whole definition as one JSON value, as Go writes BuildKit's message. */
export function definitionJson(definition: Definition): unknown {
  return JSON.parse(renderJson(messageJson(DefinitionSchema, definitionMessage(definition)), "compact"));
}
