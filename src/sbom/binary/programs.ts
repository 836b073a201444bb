import type { CatalogContext } from "../cataloger.ts";
import { DamagedFileError } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";
import { readElf, type ElfLayout } from "./elf.ts";

/** Of any user: what nobody may run is no program. */
const EXECUTE = 0o111;

/** Programs, and libraries that are loaded into some. */
export function mayBeProgram({ path, mode, sizeBytes }: ScanFile): boolean {
  return sizeBytes > 0 && ((mode & EXECUTE) !== 0 || /\.so(?:\.[0-9]+)*$/.test(path));
}

/** Several catalogers look into each program; a file is as it is for as long as somebody holds it. */
const LAYOUTS = new WeakMap<ScanFile, Promise<ElfLayout | undefined>>();

/** What `find` makes of each file that is ELF. A damaged one is told to `context`. */
export async function inPrograms<T>(
  files: readonly ScanFile[], find: (file: ScanFile, elf: ElfLayout) => Promise<readonly T[]>, context: CatalogContext, signal: AbortSignal,
): Promise<T[]> {
  const found: Array<readonly T[]> = [];
  for (const file of files) {
    signal.throwIfAborted();
    try {
      const elf = await layoutOf(file, signal);
      if (elf !== undefined) found.push(await find(file, elf));
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      context.warn(`${file.path}: ${error.message}`);
    }
  }
  return found.flat();
}

async function layoutOf(file: ScanFile, signal: AbortSignal): Promise<ElfLayout | undefined> {
  const known = LAYOUTS.get(file) ?? readElf(file, signal);
  LAYOUTS.set(file, known);
  return await known;
}
