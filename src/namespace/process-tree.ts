import { readFileSync, readdirSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** proc_pid_stat(5), field 3. */
  readonly state: string;
  /** Equal for those that share their memory, and hardly ever for others. */
  readonly memory: string;
}

/** After so many rounds only a process that the kernel holds in a call that cannot be interrupted is left. */
const ROUNDS_MAX = 100;

/**
 * Kills a process and all its descendants, and leaves none behind.
 *
 * All of them are stopped before one is killed: who is stopped can neither start more nor reap nor lose what it has started. A process
 * stops only when it comes out of the kernel: whom it is just starting there is nobody's child in a list until then, and nobody's
 * ever after if it were killed.
 */
export function killTree(root: number): void {
  signal(root, "SIGSTOP");
  killAll(stopAll(root));
}

/** The same for all below a process, which must start no more of them meanwhile. */
export function killDescendants(root: number): void {
  const members = stopAll(root, root);
  members.delete(root);
  killAll(members);
}

/** Stops a process with its descendants, all but `spared`, and returns them: those that are still descendants, and those that were. */
function stopAll(root: number, spared?: number): Set<number> {
  const members = new Set([root]);
  let before = new Set<number>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const living = livingMembers(members, spared);
    // Who was stopped before a list was begun has all its children in it, so that this one has everybody.
    if (living.every(({ pid }) => before.has(pid))) break;
    const stopped = living.filter((process) => isStopped(process) || waitsForStopped(process, living));
    before = new Set(stopped.map(({ pid }) => pid));
    const moving = living.filter(({ pid }) => !before.has(pid));
    for (const { pid } of moving) signal(pid, "SIGSTOP");
    if (moving.length > 0) sleepMs(1);
  }
  return members;
}

function killAll(members: Set<number>): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const living = livingMembers(members);
    if (living.length === 0) break;
    for (const { pid } of living) signal(pid, "SIGKILL");
    sleepMs(1);
  }
}

/** Takes the descendants of the members for members too, who stay so after their parents' death. */
function livingMembers(members: Set<number>, spared?: number): readonly Process[] {
  const processes = listProcesses();
  for (const { pid } of descendants(members, processes)) members.add(pid);
  return processes.filter(({ pid, state }) => members.has(pid) && state !== "Z" && state !== "X" && pid !== spared);
}

function isStopped({ state }: Process): boolean {
  return state === "T" || state === "t";
}

/** Is held in the kernel by a child that is to become another program and has its parent's memory until then, see vfork(2). */
function waitsForStopped({ pid, state, memory }: Process, processes: readonly Process[]): boolean {
  return state === "D" && processes.some((child) => child.parent === pid && child.memory === memory && isStopped(child));
}

function descendants(roots: Iterable<number>, processes: readonly Process[]): readonly Process[] {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const found = new Set<Process>();
  const parents = [...roots];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const child of children.get(parent) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      parents.push(child.pid);
    }
  }
  return [...found];
}

function listProcesses(): readonly Process[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    const stat = readStat(name);
    return stat === "" ? [] : [parseStat(Number(name), stat)];
  });
}

function parseStat(pid: number, stat: string): Process {
  // The name of the command, in parentheses, may itself hold spaces and parentheses. The fields from the third on are behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { pid, state: fields[0] ?? "", parent: Number(fields[1]), memory: `${fields[20]} ${fields[21]}` };
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
