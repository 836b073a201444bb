import { ScalarType, type DescField, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { LlbError } from "./llb-error.ts";

/**
 * The bytes that Go's deterministic protobuf writes: they are what digests of ops are computed from.
 *
 * It differs from other writers in order: regular fields by number, then the members of oneofs;
 * map entries by the bytes of their keys, and with key and value always there.
 */
export function encodeMessage<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter(encodeText);
  writeMessage(writer, schema, message);
  return writer.finish();
}

type Values = Readonly<Record<string, unknown>>;

const fieldOrders = new WeakMap<DescMessage, readonly DescField[]>();

function fieldsInOrder(schema: DescMessage): readonly DescField[] {
  const known = fieldOrders.get(schema);
  if (known !== undefined) return known;
  const rank = (field: DescField): number => (field.oneof === undefined ? 0 : 1);
  const order = schema.fields.toSorted((a, b) => rank(a) - rank(b) || a.number - b.number);
  fieldOrders.set(schema, order);
  return order;
}

function writeMessage(writer: BinaryWriter, schema: DescMessage, message: Message): void {
  // The members of a generated message are what its schema says.
  const values = message as unknown as Values;
  for (const field of fieldsInOrder(schema)) {
    if (field.oneof === undefined) writeField(writer, field, values[field.localName]);
    else {
      const chosen = values[field.oneof.localName] as { readonly case?: string; readonly value?: unknown };
      if (chosen.case === field.localName) writeValue(writer, field, chosen.value);
    }
  }
  for (const { no, wireType, data } of message.$unknown ?? []) writer.tag(no, wireType).raw(data);
}

function writeField(writer: BinaryWriter, field: DescField, value: unknown): void {
  switch (field.fieldKind) {
    case "list":
      return writeList(writer, field, value as readonly unknown[]);
    case "map":
      return writeMap(writer, field, value as Values);
    case "message":
      if (value !== undefined) writeValue(writer, field, value);
      return;
    case "enum":
    case "scalar":
      if (!isZero(value)) writeValue(writer, field, value);
  }
}

function isZero(value: unknown): boolean {
  return value === "" || value === 0 || value === 0n || value === false || (value instanceof Uint8Array && value.length === 0);
}

function writeList(writer: BinaryWriter, field: DescField & { fieldKind: "list" }, items: readonly unknown[]): void {
  if (items.length === 0) return;
  if (!field.packed) {
    for (const item of items) writeValue(writer, field, item);
    return;
  }
  writer.tag(field.number, WireType.LengthDelimited).fork();
  for (const item of items) writeScalar(writer, field.listKind === "scalar" ? field.scalar : ScalarType.INT32, item);
  writer.join();
}

function writeMap(writer: BinaryWriter, field: DescField & { fieldKind: "map" }, entries: Values): void {
  if (field.mapKey !== ScalarType.STRING) throw new LlbError("unsupported-field", `map with keys other than text: ${field.toString()}`);
  for (const key of Object.keys(entries).toSorted(compareBytes)) {
    writer.tag(field.number, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key);
    if (field.mapKind === "message") {
      writer.tag(2, WireType.LengthDelimited).fork();
      writeMessage(writer, field.message, entries[key] as Message);
      writer.join();
    } else {
      const scalar = field.mapKind === "scalar" ? field.scalar : ScalarType.INT32;
      writer.tag(2, wireTypeOf(scalar));
      writeScalar(writer, scalar, entries[key]);
    }
    writer.join();
  }
}

/** The order of Go texts and of map keys. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function writeValue(writer: BinaryWriter, field: DescField, value: unknown): void {
  if (field.message !== undefined) {
    writer.tag(field.number, WireType.LengthDelimited).fork();
    writeMessage(writer, field.message, value as Message);
    writer.join();
    return;
  }
  const scalar = field.scalar ?? ScalarType.INT32;
  writer.tag(field.number, wireTypeOf(scalar));
  writeScalar(writer, scalar, value);
}

function wireTypeOf(scalar: ScalarType): WireType {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES ? WireType.LengthDelimited : WireType.Varint;
}

type ScalarWriter = (writer: BinaryWriter, value: unknown) => void;

/** Only the kinds that LLB has; the casts say what the schema promises. */
const SCALAR_WRITERS: ReadonlyMap<ScalarType, ScalarWriter> = new Map<ScalarType, ScalarWriter>([
  [ScalarType.STRING, (writer, value) => writer.string(value as string)],
  [ScalarType.BYTES, (writer, value) => writer.bytes(value as Uint8Array<ArrayBuffer>)],
  [ScalarType.BOOL, (writer, value) => writer.bool(value as boolean)],
  [ScalarType.INT32, (writer, value) => writer.int32(value as number)],
  [ScalarType.UINT32, (writer, value) => writer.uint32(value as number)],
  [ScalarType.INT64, (writer, value) => writer.int64(value as bigint)],
  [ScalarType.UINT64, (writer, value) => writer.uint64(value as bigint)],
]);

function writeScalar(writer: BinaryWriter, scalar: ScalarType, value: unknown): void {
  const write = SCALAR_WRITERS.get(scalar);
  if (write === undefined) throw new LlbError("unsupported-field", `protobuf scalar kind ${ScalarType[scalar]} in LLB`);
  write(writer, value);
}

/** A lone surrogate stands for a byte that is not UTF-8 (frontend/dockerfile/source-text.ts); protobuf has no place for it. */
function encodeText(text: string): Uint8Array<ArrayBuffer> {
  if (!text.isWellFormed()) throw new LlbError("invalid-text", "string field contains invalid UTF-8");
  return Buffer.from(text, "utf8");
}
