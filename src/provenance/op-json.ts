import type { DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import { nonEmptyObject, sortedObject, type JsonObject, type JsonTree } from "./json-tree.ts";

/** Wrappers that BuildKit's JSON puts around the members of a oneof, with the names that it writes for them. */
const ONEOF_WRAPPERS: Readonly<Record<string, { readonly wrapper: string; readonly first: boolean; readonly names: Readonly<Record<string, string>> }>> = {
  "pb.Op": { wrapper: "Op", first: true, names: { exec: "exec", source: "source", file: "file", build: "build", merge: "merge", diff: "diff", passthrough: "passthrough" } },
  // BuildKit's JSON has no name for a symlink.
  "pb.FileAction": { wrapper: "Action", first: false, names: { copy: "copy", mkfile: "mkfile", mkdir: "mkdir", rm: "rm" } },
  "pb.UserOpt": { wrapper: "User", first: false, names: { byName: "byName", byID: "byId" } },
};

/** Members that BuildKit writes though they are zero. */
const ALWAYS_WRITTEN: ReadonlySet<string> = new Set(["pb.FileAction.input", "pb.FileAction.secondaryInput", "pb.FileAction.output"]);

/**
 * An LLB message as Go's encoding/json writes BuildKit's structs: names of the protobuf definition, members in its
 * order, zero values left out, enums and int64 as numbers, bytes in base64.
 */
export function messageJson<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): JsonObject {
  // The members of a generated message are what its schema says.
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const members: Record<string, JsonTree> = {};
  const wrapper = ONEOF_WRAPPERS[schema.typeName];
  const inputs = schema.fields.toSorted((a, b) => a.number - b.number).filter((field) => field.oneof === undefined);
  for (const field of inputs) {
    // An Op has its own member before platform and constraints, but after inputs.
    if (wrapper?.first === true && members[wrapper.wrapper] === undefined && field.name !== "inputs") members[wrapper.wrapper] = oneofJson(schema, values, wrapper.names);
    members[field.name] = fieldJson(field, values[field.localName], ALWAYS_WRITTEN.has(`${schema.typeName}.${field.name}`));
  }
  if (wrapper?.first === false) members[wrapper.wrapper] = oneofJson(schema, values, wrapper.names);
  return members;
}

function oneofJson(schema: DescMessage, values: Readonly<Record<string, unknown>>, names: Readonly<Record<string, string>>): JsonObject {
  for (const oneof of schema.oneofs) {
    const chosen = values[oneof.localName] as { readonly case?: string; readonly value?: unknown };
    const field = oneof.fields.find(({ localName }) => localName === chosen.case);
    const name = names[chosen.case ?? ""];
    if (field !== undefined && name !== undefined) return { [name]: fieldJson(field, chosen.value, false) };
  }
  return {};
}

function fieldJson(field: DescField, value: unknown, evenZero: boolean): JsonTree {
  if (value === undefined) return undefined;
  switch (field.fieldKind) {
    case "message":
      return messageJson(field.message, value as MessageShape<DescMessage>);
    case "list": {
      const items = value as readonly unknown[];
      const { message } = field;
      return items.length === 0 ? undefined : items.map((item) => (message === undefined ? scalarJson(item) : messageJson(message, item as MessageShape<DescMessage>)));
    }
    case "map": {
      const { message } = field;
      const entries = Object.entries(value as Readonly<Record<string, unknown>>);
      return nonEmptyObject(sortedObject(entries.map(([key, item]) => [key, message === undefined ? scalarJson(item) : messageJson(message, item as MessageShape<DescMessage>)])));
    }
    case "enum":
    case "scalar":
      return evenZero ? scalarJson(value) : nonZero(scalarJson(value));
  }
}

function scalarJson(value: unknown): JsonTree {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : (value as string | number | bigint | boolean);
}

function nonZero(value: JsonTree): JsonTree {
  return value === "" || value === 0 || value === 0n || value === false ? undefined : value;
}
