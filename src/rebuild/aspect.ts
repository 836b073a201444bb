import type { Entry } from "../archive/entry.ts";
import { rfc3339Nano } from "../content/timestamp.ts";

/**
 * In what two entries of one path differ. `missing` is only in the first archive, `extra` only in the second; `order`
 * is an entry that stands elsewhere in the archive among those that both have; `content` is other bytes of one size.
 */
export type Aspect = "missing" | "extra" | "type" | "size" | "content" | "link" | "device" | "mode" | "owner" | "xattrs" | "mtime" | "order";

/** One aspect, with both values in words; undefined where one side has none. */
export interface AspectDifference {
  readonly aspect: Aspect;
  readonly first: string | undefined;
  readonly second: string | undefined;
}

/** What a header says of a file besides its name, type and content, each in the words of a listing. */
const SAID_BY_HEADER: ReadonlyArray<readonly [aspect: Aspect, value: (entry: Entry) => string]> = [
  ["size", ({ sizeBytes }) => `${sizeBytes} bytes`],
  ["link", ({ linkname = "" }) => linkname],
  ["device", ({ device }) => (device === undefined ? "" : `${device.major},${device.minor}`)],
  ["mode", ({ mode }) => mode.toString(8).padStart(4, "0")],
  ["owner", ({ uid, gid }) => `${uid}:${gid}`],
  ["xattrs", ({ xattrs }) => xattrsText(xattrs)],
  ["mtime", ({ mtimeNs }) => rfc3339Nano(mtimeNs)],
];

/** All that differs but the content, which takes reading. Of two types nothing else can be compared. */
export function headerDifferences(first: Entry, second: Entry): readonly AspectDifference[] {
  if (first.kind !== second.kind) return [{ aspect: "type", first: first.kind, second: second.kind }];
  return SAID_BY_HEADER.flatMap(([aspect, value]) => {
    const [a, b] = [value(first), value(second)];
    return a === b ? [] : [{ aspect, first: a, second: b }];
  });
}

function xattrsText(xattrs: Entry["xattrs"]): string {
  const pairs = Array.from(xattrs ?? [], ([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`);
  return pairs.toSorted().join(" ");
}
