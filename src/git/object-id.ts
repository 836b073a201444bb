import { createHash, type Hash } from "node:crypto";

/** How a repository names its objects. */
export type ObjectFormat = "sha1" | "sha256";

export type ObjectType = "blob" | "tree" | "commit" | "tag";

/** The length of any of its ids tells a repository's format. */
export function formatOf(id: string): ObjectFormat {
  return id.length === 64 ? "sha256" : "sha1";
}

/** To be fed with the content; its hexadecimal digest is the object's id. */
export function objectHash(format: ObjectFormat, type: ObjectType, sizeBytes: number): Hash {
  return createHash(format).update(`${type} ${sizeBytes}\0`);
}

export function objectId(format: ObjectFormat, type: ObjectType, content: Uint8Array): string {
  return objectHash(format, type, content.byteLength).update(content).digest("hex");
}
