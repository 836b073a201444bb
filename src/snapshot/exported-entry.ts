import type { Entry } from "../archive/entry.ts";

const NS_PER_S = 1_000_000_000n;

/** The one extended attribute that BuildKit puts into layers. */
const EXPORTED_XATTR = "security.capability";

/**
 * An entry as BuildKit writes it into a layer's tar: whole seconds, no extended attribute but
 * capabilities, and nothing at all about a whiteout. Equal diff ids hang on it. What is left
 * out here still stands in the layer's own index, and so in the trees of later steps.
 */
export function exportedEntry(entry: Entry): Entry {
  const { path, kind, sizeBytes, linkname, device } = entry;
  if (kind === "whiteout" || kind === "opaque") return { path, kind, mode: 0, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0 };
  const capability = entry.xattrs?.get(EXPORTED_XATTR);
  return {
    path, kind, mode: entry.mode, uid: entry.uid, gid: entry.gid, mtimeNs: wholeSeconds(entry.mtimeNs), sizeBytes,
    ...(linkname === undefined ? {} : { linkname }),
    ...(device === undefined ? {} : { device }),
    ...(capability === undefined ? {} : { xattrs: new Map([[EXPORTED_XATTR, capability]]) }),
  };
}

/** Downwards, also before 1970. */
function wholeSeconds(ns: bigint): bigint {
  return ns - (((ns % NS_PER_S) + NS_PER_S) % NS_PER_S);
}
