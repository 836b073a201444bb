import type { Entry } from "./entry.ts";

/** What Go's time in nanoseconds can hold. */
const MTIME_NS_MAX = 2n ** 63n - 1n;

/** The file attribute that a change of owner takes away (capabilities(7)). */
const CAPABILITY = "security.capability";

/** The time of a file that an archive says to have this one: tools in Go set no other than those between 1970 and 2262. */
export function unpackedTime(mtimeNs: bigint): bigint {
  return mtimeNs < 0n || mtimeNs > MTIME_NS_MAX ? 0n : mtimeNs;
}

/** What a file has once another name of it was unpacked: attributes are added, and those that the owner's change takes away are as that name says. */
export function xattrsAfterLink(file: Pick<Entry, "xattrs">, link: Pick<Entry, "xattrs">): Entry["xattrs"] {
  const xattrs = new Map([...file.xattrs ?? []].filter(([name]) => name !== CAPABILITY));
  for (const [name, value] of link.xattrs ?? []) xattrs.set(name, value);
  return xattrs.size === 0 ? undefined : xattrs;
}
