import { checkCall, nativeFunction } from "./native-function.ts";
import { nativePath, type FsPath } from "./native-path.ts";

/** S_IFCHR, S_IFBLK, S_IFIFO. */
const TYPE_BITS = { char: 0o020000, block: 0o060000, fifo: 0o010000 } as const;

/** The numbers of mknodat(2). Old C libraries have the call in no form that can be linked to. */
const MKNODAT: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 259, arm64: 33, riscv64: 33, ppc64: 288, s390x: 290, arm: 324 };
const AT_FDCWD = -100;

const systemCall = nativeFunction("long syscall(long number, int directory, const void *path, unsigned int mode, unsigned int device)");

export interface SpecialFile {
  readonly kind: "char" | "block" | "fifo";
  /** Permission bits, from which the process's umask is taken. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** mknod(2). EPERM without privilege, but for fifos and the character device 0:0. */
export function makeNode(path: FsPath, file: SpecialFile): void {
  const number = MKNODAT[process.arch];
  if (number === undefined) throw new RangeError(`mknodat has no known number on ${process.arch}`);
  const result = systemCall(number, AT_FDCWD, nativePath(path), TYPE_BITS[file.kind] | file.mode, deviceNumber(file.major, file.minor));
  checkCall(result, "mknod", String(path));
}

/** The kernel's 32 bits: 12 for the major number between 8 and 12 for the minor one. */
export function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** Takes `st_rdev` of stat(2) apart. */
export function deviceOf(rdev: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}
