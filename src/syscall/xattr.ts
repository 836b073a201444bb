import { checkCall, nativeFunction, SystemCallError } from "./native-function.ts";
import { nativePath, type FsPath } from "./native-path.ts";

/** XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel, both 64 KiB. */
const VALUE_BYTES_MAX = 65_536;

const getCall = nativeFunction("long lgetxattr(const void *path, const char *name, void *value, size_t size)");
const listCall = nativeFunction("long llistxattr(const void *path, void *list, size_t size)");
const setCall = nativeFunction("int lsetxattr(const void *path, const char *name, const void *value, size_t size, int flags)");
const removeCall = nativeFunction("int lremovexattr(const void *path, const char *name)");

/** Filled by one call and copied out before the next: all of these are synchronous. */
const scratch: Buffer = Buffer.alloc(VALUE_BYTES_MAX);

/** lgetxattr(2): undefined where the file has no such attribute, or its file system none at all. */
export function getXattr(path: FsPath, name: string): Buffer | undefined {
  const length = unlessAbsent(() => checkCall(getCall(nativePath(path), name, scratch, VALUE_BYTES_MAX), "lgetxattr", `${name} of ${String(path)}`));
  return length === undefined ? undefined : Buffer.from(scratch.subarray(0, length));
}

/** llistxattr(2): names of the attributes that this process may see, of the file itself and not of what a link points to. */
export function listXattrs(path: FsPath): readonly string[] {
  const length = unlessAbsent(() => checkCall(listCall(nativePath(path), scratch, VALUE_BYTES_MAX), "llistxattr", String(path)));
  if (length === undefined || length === 0) return [];
  return scratch.toString("utf8", 0, length - 1).split("\0");
}

/** lsetxattr(2). */
export function setXattr(path: FsPath, name: string, value: Uint8Array): void {
  checkCall(setCall(nativePath(path), name, value.byteLength === 0 ? undefined : value, value.byteLength, 0), "lsetxattr", `${name} of ${String(path)}`);
}

/** lremovexattr(2); one that is not there is no error. */
export function removeXattr(path: FsPath, name: string): void {
  unlessAbsent(() => checkCall(removeCall(nativePath(path), name), "lremovexattr", `${name} of ${String(path)}`));
}

function unlessAbsent(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === "ENODATA" || error.code === "ENOTSUP")) return undefined;
    throw error;
  }
}
