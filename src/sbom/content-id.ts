import { createHash } from "node:crypto";

/** RFC 9562, 6.6: names in it are URLs. */
const URL_NAMESPACE: Uint8Array = Buffer.from("6ba7b8119dad11d180b400c04fd430c8", "hex");

/** The UUID of version 5 that names this URL (RFC 9562, 5.5). */
export function uuidOf(url: string): string {
  const bytes = createHash("sha1").update(URL_NAMESPACE).update(url).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Names what the text says, within an id: short, and still long enough that nobody finds another text for it. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}
