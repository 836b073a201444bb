import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { setTimeout as sleep } from "node:timers/promises";
import { SystemCallError } from "../syscall/native-function.ts";
import { getXattr, setXattr } from "../syscall/xattr.ts";
import { groupParent, type GroupGround, type GroupRequest } from "./control-group.ts";
import { SandboxError } from "./sandbox-error.ts";
import { CGROUP_ROOT } from "./survey-ground.ts";

/** Name of the control group within a bundle's that its process is in: its runtime takes it away with the process, and what it used stays told by the other. */
export const PROCESS_GROUP = "process";

/** How often a control group is found busy, with processes that are on their way out, before it is left behind. */
const ATTEMPTS_MAX = 50;

/** How often a group on the way is made anew, when another build takes away its own at that moment. */
const MAKINGS_MAX = 50;

/** What a group has that a build made on the way to another: whichever build needs it last takes it away. */
const MADE_MARK = "trusted.stemma.made";

/** Reads what is mounted at /sys/fs/cgroup. */
export function groupGround(version: 1 | 2, request: GroupRequest): GroupGround {
  const parent = groupParent(request);
  const cpuset = version === 2 ? CGROUP_ROOT : join(CGROUP_ROOT, "cpuset");
  const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8").trim() : "");
  const ofSet = (name: string): string => read(join(cpuset, version === 2 ? `cpuset.${name}.effective` : `cpuset.${name}`));
  return {
    controllers: new Set(version === 2 ? read(join(CGROUP_ROOT, "cgroup.controllers")).split(/\s+/) : readdirSync(CGROUP_ROOT)),
    countsSwap: version === 2 || existsSync(join(CGROUP_ROOT, "memory/memory.memsw.limit_in_bytes")),
    cpus: ofSet("cpus"),
    mems: ofSet("mems"),
    busy: version === 2 && request.limits !== undefined ? busyGroup(CGROUP_ROOT, parent) : undefined,
  };
}

/** The first from the root of a tree of version 2 to this group that has processes. The machine's own root may have them; the kernel gives it no type. */
export function busyGroup(root: string, group: string): string | undefined {
  const names = group.split("/").filter((name) => name !== "");
  const onTheWay = [...(existsSync(join(root, "cgroup.type")) ? ["/"] : []), ...names.map((_, i) => join("/", ...names.slice(0, i + 1)))];
  return onTheWay.find((path) => membersOf(join(root, path)).length > 0);
}

/**
 * Makes the control group of a bundle, with the groups that it lies in, in all trees. Disposing takes away what was made; the group has
 * to be empty by then. What it is about to make is written to `notes` first, for who sweeps up after a killed process. Throws SandboxError ("limits").
 */
export function makeGroup(group: string, notes: string | undefined, namedBy: GroupRequest["namedBy"] = "--cgroup-parent"): AsyncDisposable {
  if (notes !== undefined) writeFileSync(notes, group);
  try {
    for (const tree of groupTrees()) makeFolders(tree, group);
  } catch (error) {
    sweepFolders(group);
    throw new SandboxError("limits", `${namedBy}: the control group ${dirname(group)} cannot be used: ${(error as Error).message}: give one in which groups can be made`, { cause: error });
  }
  return {
    async [Symbol.asyncDispose]() {
      await removeGroup(group);
      sweepFolders(group);
    },
  };
}

/**
 * Takes the control group of a process that has ended away, and those that a runtime made in it, in all trees. Who is still in it is
 * killed: a runtime that was killed while it started something may have left that to nobody. Those that stay busy are left.
 */
export async function removeGroup(group: string): Promise<void> {
  for (const path of foldersOf(group)) {
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !removeEmptyFolder(path); attempt++) {
      killMembers(path);
      await sleep(10);
    }
  }
}

function killMembers(path: string): void {
  // 0 for a process of another process namespace, which is not ours to see.
  for (const pid of membersOf(path).filter((member) => member > 0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

function numbersIn(path: string): readonly number[] {
  return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map(Number);
}

/** None where the group is gone: its last process may just have ended, and a sweep of another build been faster. */
function membersOf(path: string): readonly number[] {
  try {
    return numbersIn(join(path, "cgroup.procs"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    // Runtimes make a group so where the root of version 2 has processes, as a container's has; it tells its threads alone.
    if (code === "ENOTSUP") return numbersIn(join(path, "cgroup.threads"));
    if (!["ENOENT", "ENODEV", "ENOTDIR"].includes(code)) throw error;
    return [];
  }
}

/** The same without waiting, and for the group that `makeGroup` noted too. */
export function sweepGroup(group: string, notes: string): void {
  const noted = existsSync(notes) ? readFileSync(notes, "utf8") : "";
  for (const each of [group, noted]) if (each !== "") sweepFolders(each);
}

function makeFolders(tree: string, group: string): void {
  for (let making = 1; ; making++) {
    for (const path of foldersOnTheWay(tree, group).toReversed()) if (makeFolder(path)) setXattr(path, MADE_MARK, new Uint8Array());
    try {
      mkdirSync(join(tree, group));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || making === MAKINGS_MAX) throw error;
    }
  }
}

/** False where it is there, or where what it lies in has gone meanwhile. */
function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
  } catch (error) {
    if (["EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
  return true;
}

/** Takes away the group, and those on the way to it that builds made and no build needs any more. */
function sweepFolders(group: string): void {
  for (const path of foldersOf(group)) removeEmptyFolder(path);
  for (const path of groupTrees().flatMap((tree) => foldersOnTheWay(tree, group))) if (isMade(path)) removeEmptyFolder(path);
}

function isMade(path: string): boolean {
  try {
    return getXattr(path, MADE_MARK) !== undefined;
  } catch (error) {
    // Gone meanwhile, or never there.
    if (error instanceof SystemCallError && ["ENOENT", "ENOTDIR"].includes(error.code)) return false;
    throw error;
  }
}

/** Deepest first, without the group itself. */
function foldersOnTheWay(tree: string, group: string): readonly string[] {
  const names = group.split("/").filter((name) => name !== "");
  return names.slice(1).map((_, i) => join(tree, ...names.slice(0, i + 1))).toReversed();
}

/** Version 2 has one tree, version 1 one for each controller, perhaps with one of version 2 beside them. */
function groupTrees(): readonly string[] {
  if (!existsSync(CGROUP_ROOT)) return [];
  if (existsSync(join(CGROUP_ROOT, "cgroup.procs"))) return [CGROUP_ROOT];
  return readdirSync(CGROUP_ROOT).map((name) => join(CGROUP_ROOT, name)).filter((path) => existsSync(join(path, "cgroup.procs")));
}

/** Groups within others come first. */
function foldersOf(group: string): readonly string[] {
  return groupTrees().map((tree) => join(tree, group)).flatMap((path) => [join(path, PROCESS_GROUP), path]).filter((path) => existsSync(path));
}

/** False while processes are in it. A group is removed by its directory alone: the files in it are the kernel's. */
function removeEmptyFolder(path: string): boolean {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "EBUSY") return false;
    if (!["ENOENT", "ENOTDIR", "ENOTEMPTY", "EACCES", "EPERM", "EROFS"].includes(code)) throw error;
  }
  return true;
}
