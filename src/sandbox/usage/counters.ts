import { readFile } from "node:fs/promises";

/** A file of the kernel is not there, its group has gone, or the kernel was built without what it counts. */
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENODEV", "ENOTSUP", "EOPNOTSUPP"]);

export async function readKernelText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (ABSENT.has(error.code ?? "")) return undefined;
    throw error;
  });
}

/** A file that is one number. */
export async function readNumber(path: string): Promise<number | undefined> {
  const text = await readKernelText(path);
  return text === undefined || text.trim() === "" ? undefined : Number(text);
}

/** A file of lines `name number`, as control groups and /proc/meminfo have them. */
export async function readCounters(path: string): Promise<ReadonlyMap<string, number> | undefined> {
  const text = await readKernelText(path);
  return text === undefined ? undefined : parseCounters(text);
}

export function parseCounters(text: string): ReadonlyMap<string, number> {
  return new Map(text.split("\n").flatMap((line) => {
    const [name, value] = line.trim().split(/\s+/);
    return name === undefined || value === undefined ? [] : [[name.replace(/:$/, ""), Number(value)] as const];
  }));
}
