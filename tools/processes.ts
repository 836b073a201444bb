/** What runs, out of /proc (proc(5)). */
import { readFileSync, readdirSync } from "node:fs";

/** `pid command line`, of what runs below that process. */
export function descendants(pid: number): string[] {
  return children(pid).flatMap((child) => [described(child), ...descendants(child)]);
}

export function children(pid: number): readonly number[] {
  return numbersIn("/proc").filter((each) => parentOf(each) === pid);
}

export function described(pid: number): string {
  return `${pid} ${textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()}`;
}

/** What each of its threads waits for in the kernel; 0 for one that runs. */
export function waits(pid: number): string {
  return numbersIn(`/proc/${pid}/task`).map((thread) => textOf(`/proc/${pid}/task/${thread}/wchan`)).join(" ");
}

function numbersIn(directory: string): readonly number[] {
  try {
    return readdirSync(directory).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return []; // It has ended meanwhile.
  }
}

function parentOf(pid: number): number {
  // `pid (name) state parent …`: a name may hold anything, brackets too.
  return Number(textOf(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[1]);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
