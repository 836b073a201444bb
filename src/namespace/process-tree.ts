import { readFileSync, readdirSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly dead: boolean;
}

/** After so many rounds only a process that the kernel holds in a call that cannot be interrupted is left. */
const ROUNDS_MAX = 100;

/**
 * Kills a process and all its descendants, and leaves none behind.
 *
 * The root is stopped first: it can then neither start more nor reap, so that what its children lose comes back to
 * it or to process 1 of a namespace that is itself a descendant, and is found in the next round. It stops only when it comes out
 * of the kernel: whom it is just starting there is nobody's child in a list until then, and nobody's ever after if it were killed.
 */
export function killTree(root: number): void {
  signal(root, "SIGSTOP");
  for (let round = 0; round < ROUNDS_MAX && mayStartMore(root); round++) sleepMs(1);
  killDescendants(root);
  signal(root, "SIGKILL");
}

/** The same for all below a process, which must start no more of them meanwhile and get back what they lose. */
export function killDescendants(root: number): void {
  const seen = new Set<number>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const processes = listProcesses();
    const living = descendants(root, processes).filter((process) => !process.dead);
    for (const { pid } of living) seen.add(pid);
    // A list is not made in one moment: who has just lost its parent may be nobody's child in it, and still be dying.
    if (!processes.some(({ pid, dead }) => seen.has(pid) && !dead)) break;
    for (const { pid } of living) signal(pid, "SIGKILL");
    sleepMs(1);
  }
}

/** Neither stopped nor dead. */
function mayStartMore(pid: number): boolean {
  const { state } = parseStat(readStat(String(pid)));
  return state !== undefined && !["T", "t", "Z", "X"].includes(state);
}

function descendants(root: number, processes: readonly Process[]): readonly Process[] {
  const found: Process[] = [];
  const parents = [root];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const process of processes) {
      if (process.parent !== parent) continue;
      found.push(process);
      parents.push(process.pid);
    }
  }
  return found;
}

function listProcesses(): readonly Process[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    const { state, parent } = parseStat(readStat(name));
    return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent), dead: state === "Z" || state === "X" }];
  });
}

function parseStat(stat: string): { readonly state: string | undefined; readonly parent: string | undefined } {
  if (stat === "") return { state: undefined, parent: undefined };
  // The name of the command, in parentheses, may itself hold spaces and parentheses.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state, parent };
}

/** Empty when the process has ended in the meantime. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function sleepMs(duration: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, duration);
}
