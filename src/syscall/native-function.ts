import { createRequire } from "node:module";
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

/** A system call that said no. `code` is the errno's name, as in Node's own errors. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, subject: string) {
    const code = getSystemErrorName(-errno);
    super(`${code}: ${syscall}${subject === "" ? "" : ` ${subject}`}`);
    this.name = "SystemCallError";
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }

  get retryable(): boolean {
    return this.code === "EBUSY" || this.code === "EAGAIN";
  }
}

type KoffiFunction = ((...args: readonly unknown[]) => unknown) & {
  /** In a thread of Node's pool; the last argument is told the result. */
  async(...args: readonly unknown[]): void;
};

/** The part of koffi that is used here. */
interface Koffi {
  load(path: null): { func(prototype: string): KoffiFunction };
  struct(name: string, members: Readonly<Record<string, string>>): unknown;
  errno(): number;
}

/** This installation lacks the native part that reaches the system calls which Node does not offer. */
export class NativeCallsMissingError extends Error {
  override readonly name = "NativeCallsMissingError";
  readonly code = "native-calls-missing";
  readonly retryable = false;

  constructor(cause: unknown) {
    super(
      `no system calls on ${process.platform}-${process.arch}: the package koffi does not load; install it with its optional dependencies (npm install without --omit=optional)`,
      { cause },
    );
  }
}

let loaded: Koffi | undefined;

/** Loaded at the first call: it takes 9 ms that most commands need not spend. */
function koffi(): Koffi {
  if (loaded !== undefined) return loaded;
  try {
    // koffi's own types say more than we use, and would have it loaded for them.
    loaded = createRequire(import.meta.url)("koffi") as Koffi;
  } catch (error) {
    throw new NativeCallsMissingError(error);
  }
  return loaded;
}

/**
 * A function of the C library that Node does not offer, such as
 * `nativeFunction("int umount2(const char *target, int flags)")`. `structure` is a structure that its prototype names.
 */
export function nativeFunction(prototype: string, structure?: NativeStructure): (...args: readonly unknown[]) => number {
  let call: KoffiFunction | undefined;
  return (...args) => {
    if (call === undefined && structure !== undefined) koffi().struct(structure.name, structure.members);
    call ??= koffi().load(null).func(prototype);
    return Number(call(...args));
  };
}

export interface NativeStructure {
  readonly name: string;
  /** Name → type in C, in order. */
  readonly members: Readonly<Record<string, string>>;
}

/** As `nativeFunction`, for calls that take long. It rejects when the call fails; errno belongs to another thread and is not known. */
export function nativeCallInThread(prototype: string): (...args: readonly unknown[]) => Promise<number> {
  let call: KoffiFunction | undefined;
  return async (...args) => {
    const started = (call ??= koffi().load(null).func(prototype));
    const result = await new Promise<number>((resolve, reject) => {
      started.async(...args, (error: Error | null, value: unknown) => (error === null ? resolve(Number(value)) : reject(error)));
    });
    if (result < 0) throw new SystemCallError(prototype, constants.errno.EIO, "in a thread");
    return result;
  };
}

/** Throws what the last call left in errno when its result says that it failed. */
export function checkCall(result: number, syscall: string, subject: string = ""): number {
  if (result < 0) throw new SystemCallError(syscall, koffi().errno(), subject);
  return result;
}
