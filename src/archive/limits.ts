/** How much compressed data may become: so many bytes in any case, and beyond that so many times what has been read. */
export interface ExpansionLimit {
  readonly freeBytes: number;
  readonly ratioMax: number;
}

/** Layers of many gigabytes are real, and so are disk images of zeros within them; both together are a bomb. */
export const EXPANSION_LIMIT: ExpansionLimit = { freeBytes: 16 * 1024 ** 3, ratioMax: 200 };

/** What is more than an archive may hold is refused (ArchiveError "too-large"), so that none takes all memory or disk there is. */
export interface ArchiveLimits {
  readonly entriesMax: number;
  /** Of one name, from the root; more than the system calls take (Linux, PATH_MAX). */
  readonly pathBytesMax: number;
  /** Of one component of a name (Linux, NAME_MAX). */
  readonly nameBytesMax: number;
  /** Components of one name: what is done to a tree is done level by level. */
  readonly depthMax: number;
  /** Of one extended header, or a long name; as in Go. */
  readonly extendedHeaderBytesMax: number;
  /** Of all extended headers of an archive: extended attributes are held in memory. */
  readonly extendedBytesMax: number;
  /** Headers in a row that describe one member. */
  readonly extendedHeadersMax: number;
  /** What zeros that sparse files leave out may come to: a few bytes can say that there are any number. */
  readonly expansion: ExpansionLimit;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  entriesMax: 2_000_000,
  pathBytesMax: 4096,
  nameBytesMax: 255,
  depthMax: 500,
  extendedHeaderBytesMax: 1024 * 1024,
  extendedBytesMax: 256 * 1024 * 1024,
  extendedHeadersMax: 64,
  expansion: EXPANSION_LIMIT,
};
