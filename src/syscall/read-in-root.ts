import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { checkCall, nativeFunction, SystemCallError } from "./native-function.ts";

/** The number of openat2(2), which is one of those that all architectures share. */
const SYS_OPENAT2 = 437;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;

const openCall = nativeFunction("long syscall(long number, int directory, const char *path, void *how, size_t size)");

/** Nothing is there that could be read: also what is no file, or is reached by a link that turns in circles. */
const NOT_THERE: readonly string[] = ["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENXIO"];

/**
 * The text of a file below `root`, whose links are followed as if that were the root directory, whoever changes them meanwhile
 * (openat2(2), Linux 5.6). Undefined where there is no such file. Throws RangeError for a larger one.
 */
export function readInRoot(root: string, path: string, bytesMax: number): string | undefined {
  const directory = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const fd = openBelow(directory, path);
    if (fd === undefined) return undefined;
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) return undefined;
      if (stat.size > bytesMax) throw new RangeError(`${path} exceeds ${bytesMax} bytes`);
      return readFileSync(fd, "utf8");
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(directory);
  }
}

function openBelow(directory: number, path: string): number | undefined {
  // A pipe must not make us wait for its writer. Flags as Node has them; the others of `struct open_how` are mode and resolve.
  const how = new BigUint64Array([BigInt(constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY), 0n, BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)]);
  try {
    return checkCall(openCall(SYS_OPENAT2, directory, path, how, how.byteLength), "openat2", path);
  } catch (error) {
    if (error instanceof SystemCallError && NOT_THERE.includes(error.code)) return undefined;
    throw error;
  }
}
