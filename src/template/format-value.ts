import { NO_FLAGS, pad, type FormatFlags } from "./format-flags.ts";
import { formatFloat, formatInteger, formatUnicode } from "./format-number.ts";
import { typeName } from "./go-type.ts";
import { canBackquote, quote, quoteRune, runeText } from "./quote.ts";
import {
  bytesOf, complexOf, elementsOf, entriesOf, fieldOf, inside, integerOf, floatOf, isNil, textOf, GoValue, type Maybe,
} from "./value.ts";

interface Formatting {
  readonly verb: string;
  readonly flags: FormatFlags;
  /** Nested values show pointers as addresses. */
  readonly depth: number;
  /** Within the text of a wrong verb, a value's own String method is not asked. */
  readonly erring: boolean;
}

/** Addresses differ from run to run in Go; ours is always this one. */
const ADDRESS = 0xc000010000n;

/** A value as fmt.Sprintf prints it for a verb; without one, as %v. */
export function formatValue(value: Maybe, verb = "v", flags: FormatFlags = NO_FLAGS): string {
  const held = inside(value);
  const formatting = { verb, flags, depth: 0, erring: false };
  if (held === undefined) return verb === "T" || verb === "v" ? pad("<nil>", flags) : `%!${verb}(<nil>)`;
  if (verb === "T") return formatText(typeName(held.type), { ...formatting, verb: "s" });
  if (verb === "w") return badVerb(held, formatting);
  if (verb === "p") return formatPointer(held, formatting) ?? badVerb(held, formatting);
  return format(held, formatting);
}

function format(value: GoValue, formatting: Formatting): string {
  const { verb, flags, depth } = formatting;
  const { type, raw } = value;
  const own = ownText(value, formatting);
  if (own !== undefined) return own;
  switch (type.kind) {
    case "bool":
      return verb === "t" || verb === "v" ? pad(String(raw === true), flags) : badVerb(value, formatting);
    case "int":
    case "uint":
      return formatWhole(value, formatting);
    case "float":
      return "vbgGxXfFeE".includes(verb) ? formatFloat(floatOf(value), verb, flags) : badVerb(value, formatting);
    case "complex":
      return formatComplex(value, formatting);
    case "string":
      return formatText(textOf(value), formatting) ?? badVerb(value, formatting);
    case "bytes":
      return formatBytes(value, formatting);
    case "slice":
      return formatSlice(value, formatting);
    case "map":
      return formatMap(value, formatting);
    case "struct":
      return formatStruct(value, formatting);
    case "any": {
      const held = inside(value);
      if (held !== undefined) return format(held, deeper(formatting));
      return flags.sharpV ? "interface {}(nil)" : "<nil>";
    }
    case "pointer":
      if (depth === 0 && raw !== undefined) return `&${format(new GoValue(type.element, raw), deeper(formatting))}`;
      return formatPointer(value, formatting) ?? badVerb(value, formatting);
    case "func":
    case "value":
      return formatPointer(value, formatting) ?? badVerb(value, formatting);
  }
}

/** What the type's own String method says, for the verbs that take a string. */
function ownText(value: GoValue, formatting: Formatting): string | undefined {
  const { verb, flags, erring } = formatting;
  if (erring || flags.sharpV || !"vsxXq".includes(verb)) return undefined;
  const type = value.type.kind === "pointer" ? value.type.element : value.type;
  if (!("text" in type) || type.text === undefined) return undefined;
  if (value.type.kind === "pointer" && value.raw === undefined) return "<nil>";
  return formatText(type.text(value.raw), formatting);
}

function formatWhole(value: GoValue, formatting: Formatting): string {
  const whole = integerOf(value);
  const { verb, flags } = formatting;
  switch (verb) {
    case "v":
      return flags.sharpV && value.type.kind === "uint" ? formatInteger(whole, 16, { ...flags, sharp: true }) : formatInteger(whole, 10, flags);
    case "d":
      return formatInteger(whole, 10, flags);
    case "b":
      return formatInteger(whole, 2, flags);
    case "o":
    case "O":
      return formatInteger(whole, 8, flags, { prefixedOctal: verb === "O" });
    case "x":
    case "X":
      return formatInteger(whole, 16, flags, { upper: verb === "X" });
    case "c":
      return pad(runeText(whole), flags);
    case "q":
      return pad(quoteRune(whole, flags.plus), flags);
    case "U":
      return formatUnicode(whole, flags);
    default:
      return badVerb(value, formatting);
  }
}

function formatComplex(value: GoValue, formatting: Formatting): string {
  const { verb, flags } = formatting;
  if (!"vbgGxXfFeE".includes(verb)) return badVerb(value, formatting);
  const { real, imaginary } = complexOf(value);
  return `(${formatFloat(real, verb, flags)}${formatFloat(imaginary, verb, { ...flags, plus: true })}i)`;
}

function formatText(text: string, formatting: Formatting & { readonly verb: "s" }): string;
function formatText(text: string, formatting: Formatting): string | undefined;
function formatText(text: string, { verb, flags }: Formatting): string | undefined {
  const { precision } = flags;
  const cut = precision === undefined ? text : Array.from(text).slice(0, precision).join("");
  switch (verb) {
    case "v":
      return pad(flags.sharpV ? quoted(cut, flags) : cut, flags);
    case "s":
      return pad(cut, flags);
    case "q":
      return pad(quoted(cut, flags), flags);
    case "x":
    case "X":
      return pad(hexBytes(Buffer.from(text), verb, flags), flags);
    default:
      return undefined;
  }
}

function quoted(text: string, flags: FormatFlags): string {
  return flags.sharp && canBackquote(text) ? `\`${text}\`` : quote(text, flags.plus);
}

function hexBytes(bytes: Buffer, verb: "x" | "X", { precision, sharp, space }: FormatFlags): string {
  const shown = precision === undefined ? bytes : bytes.subarray(0, precision);
  if (shown.length === 0) return "";
  const pairs = Array.from(shown, (byte) => byte.toString(16).padStart(2, "0"));
  const text = space ? pairs.map((pair) => (sharp ? `0x${pair}` : pair)).join(" ") : (sharp ? "0x" : "") + pairs.join("");
  return verb === "X" ? text.toUpperCase() : text;
}

function formatBytes(value: GoValue, formatting: Formatting): string {
  const { verb, flags } = formatting;
  const bytes = bytesOf(value);
  if ("sq".includes(verb)) return formatText(bytes.toString("utf8"), formatting) ?? "";
  if (verb === "x" || verb === "X") return pad(hexBytes(bytes, verb, flags), flags);
  if (!flags.sharpV) return `[${elementsOf(value).map((byte) => format(byte, deeper(formatting))).join(" ")}]`;
  return value.raw === undefined ? "[]byte(nil)" : `[]byte{${Array.from(bytes, (byte) => `0x${byte.toString(16)}`).join(", ")}}`;
}

function formatSlice(value: GoValue, formatting: Formatting): string {
  const { sharpV } = formatting.flags;
  const elements = (): string[] => elementsOf(value).map((element) => format(element, deeper(formatting)));
  if (!sharpV) return `[${elements().join(" ")}]`;
  return typeName(value.type) + (value.raw === undefined ? "(nil)" : `{${elements().join(", ")}}`);
}

function formatMap(value: GoValue, formatting: Formatting): string {
  const { sharpV } = formatting.flags;
  const members = (): string[] =>
    entriesOf(value).map(([key, member]) => `${formatText(key, formatting) ?? badText(key, formatting)}:${format(member, deeper(formatting))}`);
  if (!sharpV) return `map[${members().join(" ")}]`;
  return typeName(value.type) + (value.raw === undefined ? "(nil)" : `{${members().join(", ")}}`);
}

function formatStruct(value: GoValue, formatting: Formatting): string {
  const { plusV, sharpV } = formatting.flags;
  const fields = value.type.kind === "struct" ? value.type.fields : [];
  const shown = fields.map((field) => {
    const member = fieldOf(value, field);
    // A field of interface type shows what it holds.
    return (plusV || sharpV ? `${field.name}:` : "") + format(inside(member) ?? member, deeper(formatting));
  });
  return `${sharpV ? typeName(value.type) : ""}{${shown.join(sharpV ? ", " : " ")}}`;
}

function formatPointer(value: GoValue, { verb, flags }: Formatting): string | undefined {
  const { kind } = value.type;
  if (kind !== "pointer" && kind !== "func" && kind !== "map" && kind !== "slice" && kind !== "bytes") return undefined;
  const address = isNil(value) ? 0n : ADDRESS;
  switch (verb) {
    case "v":
      if (flags.sharpV) return `(${typeName(value.type)})(${address === 0n ? "nil" : `0x${address.toString(16)}`})`;
      return address === 0n ? pad("<nil>", flags) : formatInteger(address, 16, { ...flags, sharp: !flags.sharp });
    case "p":
      return formatInteger(address, 16, { ...flags, sharp: !flags.sharp });
    case "b":
      return formatInteger(address, 2, flags);
    case "o":
      return formatInteger(address, 8, flags);
    case "d":
      return formatInteger(address, 10, flags);
    case "x":
    case "X":
      return formatInteger(address, 16, flags, { upper: verb === "X" });
    default:
      return undefined;
  }
}

/** `%!d(string=hi)`. */
function badVerb(value: GoValue, { verb, flags, depth }: Formatting): string {
  return `%!${verb}(${typeName(value.type)}=${format(value, { verb: "v", flags, depth, erring: true })})`;
}

function badText(text: string, { verb, flags, depth }: Formatting): string {
  return `%!${verb}(string=${formatText(text, { verb: "v", flags, depth, erring: true }) ?? ""})`;
}

function deeper(formatting: Formatting): Formatting {
  return { ...formatting, depth: formatting.depth + 1 };
}
