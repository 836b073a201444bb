/** A path as text, or as bytes where it is no UTF-8: what node:fs takes. */
export type FsPath = string | Buffer;

/** With the zero byte that C expects. */
export function nativePath(path: FsPath): Buffer {
  return typeof path === "string" ? Buffer.from(`${path}\0`) : Buffer.concat([path, Buffer.of(0)]);
}
