import { TrustError } from "./trust-error.ts";

/** The bytes of a block between `-----BEGIN WHAT-----` and its end; headers (RFC 9580 §6.2) and a checksum line are passed over. Throws TrustError. */
export function unarmored(text: string, what: string): Buffer {
  const [block] = allUnarmored(text, what);
  if (block === undefined) throw new TrustError("invalid", `no ${what.toLowerCase()} block was found`);
  return block;
}

/** Of each such block of the text, in their order. Throws TrustError for one that does not end. */
export function allUnarmored(text: string, what: string): readonly Buffer[] {
  const [begin, end] = [`-----BEGIN ${what}-----`, `-----END ${what}-----`];
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  const blocks: Buffer[] = [];
  for (let at = lines.indexOf(begin); at !== -1; at = lines.indexOf(begin, at + 1)) {
    const last = lines.indexOf(end, at);
    if (last === -1) throw new TrustError("invalid", `a ${what.toLowerCase()} block does not end`);
    const base64 = lines.slice(at + 1, last).filter((line) => !/^=|: /.test(line)).join("");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new TrustError("invalid", `a ${what.toLowerCase()} block is no base64`);
    blocks.push(Buffer.from(base64, "base64"));
  }
  return blocks;
}
