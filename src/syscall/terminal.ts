import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { join } from "node:path/posix";
import { checkCall, nativeFunction } from "./native-function.ts";

/** Of asm-generic/ioctls.h, which x86-64 and arm64 use. */
const TIOCSCTTY = 0x540e;
const TIOCSWINSZ = 0x5414;

/** `struct winsize`: rows, columns, and two sizes in pixels that nobody reads. */
const WINDOW_SIZE_BYTES = 8;
const WINDOW_CELLS_MAX = 0xffff;

const NAME_BYTES_MAX = 64;

const unlockCall = nativeFunction("int unlockpt(int fd)");
const nameCall = nativeFunction("int ptsname_r(int fd, void *name, size_t size)");
const ioctlCall = nativeFunction("int ioctl(int fd, unsigned long request, void *argument)");
const sessionCall = nativeFunction("int setsid()");

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A new pseudo terminal (pty(7)): our end, which the caller closes, and the path of the end that is for a process. */
export function makeTerminal(): { readonly master: number; readonly path: string } {
  const master = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY);
  try {
    checkCall(unlockCall(master), "unlockpt");
    const name = Buffer.alloc(NAME_BYTES_MAX);
    // Returns an errno and no -1; it fails only for what is no terminal.
    nameCall(master, name, NAME_BYTES_MAX);
    return { master, path: name.toString("latin1", 0, name.indexOf(0)) };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** The kernel tells the processes in its foreground (SIGWINCH). */
export function resizeTerminal(fd: number, { rows, columns }: TerminalSize): void {
  const size = Buffer.alloc(WINDOW_SIZE_BYTES);
  size.writeUInt16LE(Math.min(rows, WINDOW_CELLS_MAX), 0);
  size.writeUInt16LE(Math.min(columns, WINDOW_CELLS_MAX), 2);
  checkCall(ioctlCall(fd, TIOCSWINSZ, size), "ioctl", "TIOCSWINSZ");
}

/** Terminals' ends for processes have these major numbers (devices.txt of the kernel). */
const TERMINAL_MAJORS = { first: 136, last: 143 };

/** Resizes the terminal that a process has as one of its standard streams: `descriptors` is its /proc/<pid>/fd. Nothing where it has none, or has ended. */
export function resizeTerminalOf(descriptors: string, size: TerminalSize): void {
  for (const descriptor of ["0", "1", "2"]) {
    const fd = openIfThere(join(descriptors, descriptor));
    if (fd === undefined) continue;
    try {
      if (!isTerminal(fd)) continue;
      return resizeTerminal(fd, size);
    } finally {
      closeSync(fd);
    }
  }
}

function isTerminal(fd: number): boolean {
  const stat = fstatSync(fd);
  const major = (stat.rdev >> 8) & 0xfff;
  return stat.isCharacterDevice() && major >= TERMINAL_MAJORS.first && major <= TERMINAL_MAJORS.last;
}

/** What the process has there may be anything, and must neither hold us up nor become our terminal. */
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch (error) {
    if (["ENOENT", "ESRCH", "ENXIO", "EACCES", "EPERM", "EIO"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Begins a session of this process's own, whose terminal is what it has as `fd`. */
export function takeTerminal(fd: number): void {
  checkCall(sessionCall(), "setsid");
  checkCall(ioctlCall(fd, TIOCSCTTY, null), "ioctl", "TIOCSCTTY");
}
