import { checkCall, nativeFunction } from "./native-function.ts";
import { nativePath, type FsPath } from "./native-path.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const NS_PER_S = 1_000_000_000n;

const timesCall = nativeFunction("int utimensat(int directory, const void *path, const void *times, int flags)");
const fileTimesCall = nativeFunction("int futimens(int fd, const void *times)");

/** Two `struct timespec` of 64-bit Linux. Filled anew for each call: the calls are synchronous. */
const times: BigInt64Array = new BigInt64Array(4);

/** utimensat(2) on the file itself, also on a symbolic link: access and modification time, to the nanosecond. */
export function setTimes(path: FsPath, mtimeNs: bigint): void {
  fill(mtimeNs);
  checkCall(timesCall(AT_FDCWD, nativePath(path), times, AT_SYMLINK_NOFOLLOW), "utimensat", String(path));
}

/** futimens(3) on an open file. */
export function setFileTimes(fd: number, mtimeNs: bigint): void {
  fill(mtimeNs);
  checkCall(fileTimesCall(fd, times), "futimens");
}

function fill(mtimeNs: bigint): void {
  const ns = ((mtimeNs % NS_PER_S) + NS_PER_S) % NS_PER_S;
  const seconds = (mtimeNs - ns) / NS_PER_S;
  times[0] = seconds;
  times[1] = ns;
  times[2] = seconds;
  times[3] = ns;
}
