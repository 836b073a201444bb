import { DamagedFileError } from "./read-file.ts";
import type { SqliteFile } from "./sqlite-file.ts";

/** Of a column: bytes of a blob or of a text; a number; undefined for NULL, and for a number that is no integer. */
export type SqliteValue = Buffer | number | undefined;

const LEAF = 0x0d;
const INTERIOR = 0x05;
/** Where the list of tables is (2.6). */
const SCHEMA_PAGE = 1;
const FILE_HEADER_BYTES = 100;

/** The rows of a table, by row number (SQLite's file format, 1.6 and 2). Throws DamagedFileError, also where there is no such table. */
export function* tableRows(file: SqliteFile, name: string): Generator<readonly SqliteValue[]> {
  for (const [type, , table, rootPage] of rows(file, SCHEMA_PAGE)) {
    if (String(type) !== "table" || String(table) !== name || typeof rootPage !== "number") continue;
    yield* rows(file, rootPage);
    return;
  }
  throw new DamagedFileError(`no table ${name}`);
}

/** A page is read once: what leads back to it is damaged, and would have no end. */
function* rows(file: SqliteFile, rootPage: number): Generator<readonly SqliteValue[]> {
  const pages = new PagesOnce(file);
  const ahead = [rootPage];
  for (let number = ahead.pop(); number !== undefined; number = ahead.pop()) {
    const page = pages.take(number);
    const start = number === SCHEMA_PAGE ? FILE_HEADER_BYTES : 0;
    const type = page.readUInt8(start);
    if (type !== LEAF && type !== INTERIOR) throw new DamagedFileError(`page ${number} is of no table`);
    const cells = cellStarts(page, start, type === LEAF ? 8 : 12);
    if (type === LEAF) for (const at of cells) yield record(payload(page, at, pages));
    else ahead.push(page.readUInt32BE(start + 8), ...cells.toReversed().map((at) => read(page, at, 4).readUInt32BE()));
  }
}

class PagesOnce {
  readonly #file: SqliteFile;
  readonly #taken = new Set<number>();

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  get usableBytes(): number {
    return this.#file.usableBytes;
  }

  take(number: number): Buffer {
    if (this.#taken.has(number)) throw new DamagedFileError(`page ${number} comes twice`);
    this.#taken.add(number);
    return this.#file.page(number);
  }
}

function cellStarts(page: Buffer, start: number, headerBytes: number): number[] {
  const pointers = read(page, start + headerBytes, 2 * page.readUInt16BE(start + 3));
  return Array.from({ length: pointers.length / 2 }, (_none, index) => pointers.readUInt16BE(2 * index));
}

/** What a cell of a leaf holds; what does not fit into the page lies on others (1.6, "Cell Payload Overflow Pages"). */
function payload(page: Buffer, at: number, pages: PagesOnce): Buffer {
  const size = varint(page, at);
  const start = varint(page, size.end).end;
  const usable = pages.usableBytes;
  const inPage = size.value <= usable - 35 ? size.value : bytesInPage(size.value, usable);
  const parts = [read(page, start, inPage)];
  let missing = size.value - inPage;
  let next = missing === 0 ? 0 : read(page, start + inPage, 4).readUInt32BE();
  while (missing > 0) {
    const overflow = pages.take(next);
    parts.push(overflow.subarray(4, 4 + Math.min(missing, usable - 4)));
    missing -= usable - 4;
    next = overflow.readUInt32BE();
  }
  return Buffer.concat(parts);
}

function bytesInPage(sizeBytes: number, usable: number): number {
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const filled = least + ((sizeBytes - least) % (usable - 4));
  return filled <= usable - 35 ? filled : least;
}

/** 2.1: the types of the values, then the values. */
function record(bytes: Buffer): SqliteValue[] {
  const header = varint(bytes, 0);
  const values: SqliteValue[] = [];
  let at = header.value;
  for (let next = header.end; next < header.value;) {
    const type = varint(bytes, next);
    const length = valueBytes(type.value);
    values.push(value(type.value, read(bytes, at, length)));
    at += length;
    next = type.end;
  }
  return values;
}

const NUMBER_BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

function valueBytes(type: number): number {
  return NUMBER_BYTES[type] ?? Math.floor((type - 12) / 2);
}

function value(type: number, bytes: Buffer): SqliteValue {
  if (type >= 12) return bytes;
  if (type === 8 || type === 9) return type - 8;
  if (type >= 1 && type <= 5) return bytes.readIntBE(0, bytes.length);
  return type === 6 ? Number(bytes.readBigInt64BE()) : undefined;
}

/** 1.6: up to nine bytes, seven bits in each of the first eight. */
function varint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  let found = 0;
  for (let index = 0; index < 9; index++) {
    const byte = read(bytes, at + index, 1).readUInt8();
    found = index === 8 ? found * 256 + byte : found * 128 + (byte & 0x7f);
    if (index === 8 || byte < 0x80) return { value: found, end: at + index + 1 };
  }
  return { value: found, end: at + 9 };
}

function read(bytes: Buffer, at: number, length: number): Buffer {
  if (at < 0 || length < 0 || at + length > bytes.length) throw new DamagedFileError("a row that ends before its size");
  return bytes.subarray(at, at + length);
}
