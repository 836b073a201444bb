import { DamagedFileError } from "../read-file.ts";

/** Tags of a header, by their names in rpm (rpmtag.h of RPM 4 and later, a format that RPM documents as stable). */
const TAGS = {
  name: 1000, version: 1001, release: 1002, epoch: 1003, vendor: 1011, license: 1014, url: 1020, arch: 1022, fileFlags: 1037, fileDigests: 1035,
  sourceRpm: 1044, provideName: 1047, requireName: 1049, dirIndexes: 1116, baseNames: 1117, dirNames: 1118, fileDigestAlgorithm: 5011,
} as const;

export type RpmTag = keyof typeof TAGS;

/** Values of one package's header: texts and numbers, of which a tag may have many. */
export interface RpmHeader {
  texts(tag: RpmTag): readonly string[];
  numbers(tag: RpmTag): readonly number[];
}

const ENTRY_BYTES = 16;
const INT16 = 3, INT32 = 4, STRING = 6, STRING_ARRAY = 8, I18N_STRING = 9;
const STRINGS: ReadonlySet<number> = new Set([STRING, STRING_ARRAY, I18N_STRING]);

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** A header as RPM keeps it in its data base: an index of tags, and the data that it points into. Throws DamagedFileError. */
export function parseRpmHeader(bytes: Buffer): RpmHeader {
  if (bytes.length < 8) throw new DamagedFileError("a header of a package that ends at once");
  const [entryCount, dataBytes] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
  const dataStart = 8 + entryCount * ENTRY_BYTES;
  if (dataStart + dataBytes > bytes.length) throw new DamagedFileError("a header of a package that ends before its size");
  const data = bytes.subarray(dataStart, dataStart + dataBytes);
  const entries = new Map<number, Entry>();
  for (let at = 8; at < dataStart; at += ENTRY_BYTES) {
    entries.set(bytes.readInt32BE(at), { type: bytes.readUInt32BE(at + 4), offset: bytes.readUInt32BE(at + 8), count: bytes.readUInt32BE(at + 12) });
  }
  const entry = (tag: RpmTag, isType: (type: number) => boolean): Entry | undefined => {
    const found = entries.get(TAGS[tag]);
    return found !== undefined && isType(found.type) ? found : undefined;
  };
  return {
    texts: (tag) => texts(data, entry(tag, (type) => STRINGS.has(type))),
    numbers: (tag) => numbers(data, entry(tag, (type) => type === INT16 || type === INT32)),
  };
}

function texts(data: Buffer, entry: Entry | undefined): string[] {
  const found: string[] = [];
  let at = entry?.offset ?? 0;
  for (let left = entry?.count ?? 0; left > 0; left--) {
    const end = data.indexOf(0, at);
    if (end < 0) throw new DamagedFileError("a text of a package's header that does not end");
    found.push(data.toString("utf8", at, end));
    at = end + 1;
  }
  return found;
}

function numbers(data: Buffer, entry: Entry | undefined): number[] {
  if (entry === undefined) return [];
  const { type, offset, count } = entry;
  const width = type === INT16 ? 2 : 4;
  if (offset + count * width > data.length) throw new DamagedFileError("numbers of a package's header that end before their count");
  return Array.from({ length: count }, (_none, index) => data.readUIntBE(offset + index * width, width));
}
