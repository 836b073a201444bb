import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { digestOf } from "../content/digest.ts";
import { encodeMessage } from "./encode.ts";
import { LlbError } from "./llb-error.ts";
import { message, OpMetadataSchema, OpSchema } from "./op.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("encoding of LLB", () => {
  test("members of a oneof stand behind all other fields", () => {
    const op = message(OpSchema, { constraints: {}, platform: { OS: "linux" }, op: { case: "merge", value: { inputs: [{ input: 0n }] } } });
    assert.equal(hex(encodeMessage(OpSchema, op)), "520712056c696e75785a0032020a00");
  });

  test("map entries are sorted by the bytes of their keys and hold empty values", () => {
    const metadata = message(OpMetadataSchema, { description: { "\u{10000}": "", "\uffff": "x", a: "" } });
    assert.equal(hex(encodeMessage(OpMetadataSchema, metadata)), "12050a0161120012080a03efbfbf12017812080a04f09080801200");
  });

  test("minus one takes ten bytes and a chosen zero is written", () => {
    const owner = { user: { user: { case: "byID", value: 0 } as const } };
    const op = message(OpSchema, { op: { case: "file", value: { actions: [{ input: -1n, action: { case: "mkdir", value: { mode: -1, owner } } }] } } });
    assert.equal(hex(encodeMessage(OpSchema, op)), "2220121e08ffffffffffffffffff01321110ffffffffffffffffff0122040a021000");
  });

  test("fields that a newer builder added survive", () => {
    const bytes = Buffer.from("5a00a206026869", "hex");
    assert.equal(digestOf(encodeMessage(OpSchema, fromBinary(OpSchema, bytes))), digestOf(bytes));
  });

  test("a text that is not UTF-8 is refused", () => {
    const op = message(OpSchema, { op: { case: "exec", value: { meta: { args: ["\udcff"] } } } });
    assert.throws(() => encodeMessage(OpSchema, op), new LlbError("invalid-text", "string field contains invalid UTF-8"));
  });
});
