import { ArchiveError } from "./archive-error.ts";

/** Keyword to value. Values are bytes: extended attributes are no text (POSIX pax, "Extended Header"). */
export type PaxRecords = ReadonlyMap<string, Buffer>;

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const NS_PER_S = 1_000_000_000n;

/** The shortest that there can be: `5 a=` and its end. */
const RECORD_BYTES_MIN = 5;

/** What becomes a string of the system, which a zero byte would end. */
const STRINGS: ReadonlySet<string> = new Set(["path", "linkpath", "uname", "gname"]);

/** The first form of sparse files said these over and over, in turns; one record says the same since. */
const SPARSE_PAIR = ["GNU.sparse.offset", "GNU.sparse.numbytes"];

/** Parses `length keyword=value\n` records, the last one of a keyword counting. */
export function parsePaxRecords(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(SPACE, at);
    const digits = space < 0 ? "" : bytes.toString("latin1", at, space);
    const length = /^\+?[0-9]{1,8}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = bytes.indexOf(EQUALS, space);
    if (length < RECORD_BYTES_MIN || end <= space || end > bytes.length || bytes[end - 1] !== NEWLINE || equals < 0 || equals >= end) throw malformed();
    const keyword = bytes.toString("utf8", space + 1, equals);
    const value = bytes.subarray(equals + 1, end - 1);
    if (STRINGS.has(keyword) ? value.includes(0) : keyword.includes("\0")) throw malformed();
    const place = SPARSE_PAIR.indexOf(keyword);
    if (place < 0) records.set(keyword, value);
    else if (place === pieces.length % 2 && !value.includes(",")) pieces.push(value);
    else throw malformed();
    at = end;
  }
  if (pieces.length > 0) records.set("GNU.sparse.map", Buffer.from(pieces.map((value) => value.toString("latin1")).join(","), "latin1"));
  return records;
}

function malformed(): ArchiveError {
  return new ArchiveError("corrupt", "malformed extended header record");
}

/** One record. Its length counts itself, so that a digit more may be needed for it. */
export function formatPaxRecord(keyword: string, value: Uint8Array): Buffer {
  if (keyword === "" || keyword.includes("=") || keyword.includes("\0")) {
    throw new ArchiveError("unsupported", `${JSON.stringify(keyword)}: no keyword of an extended header`);
  }
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), value, Buffer.of(NEWLINE)]);
  let length = rest.length + String(rest.length).length;
  if (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Decimal seconds with fraction, as nanoseconds; what is finer is cut off. */
export function parsePaxTime(value: Buffer): bigint {
  const match = /^([+-]?)([0-9]{1,19})(?:\.([0-9]*))?$/.exec(value.toString("latin1"));
  if (match === null) throw new ArchiveError("corrupt", `malformed time ${JSON.stringify(value.toString("latin1"))} in an extended header`);
  const [, sign, seconds = "0", fraction = ""] = match;
  const ns = BigInt(seconds) * NS_PER_S + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -ns : ns;
}

export function formatPaxTime(ns: bigint): string {
  const magnitude = ns < 0n ? -ns : ns;
  const fraction = String(magnitude % NS_PER_S).padStart(9, "0").replace(/0+$/, "");
  return `${ns < 0n ? "-" : ""}${magnitude / NS_PER_S}${fraction === "" ? "" : `.${fraction}`}`;
}
