import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { setTimeout as sleep } from "node:timers/promises";
import { groupParent, type GroupGround, type GroupRequest } from "./control-group.ts";
import { SandboxError } from "./sandbox-error.ts";
import { CGROUP_ROOT } from "./survey-ground.ts";

/** Name of the control group within a bundle's that its process is in: its runtime takes it away with the process, and what it used stays told by the other. */
export const PROCESS_GROUP = "process";

/** How often a control group is found busy, with processes that are on their way out, before it is left behind. */
const ATTEMPTS_MAX = 50;

/** Folders of control groups that this process made on the way to others, with how many need each. */
const madeOnTheWay = new Map<string, number>();

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
    parentIsBusy: version === 2 && parent !== "/" && request.limits !== undefined && read(join(CGROUP_ROOT, parent, "cgroup.procs")) !== "",
  };
}

/**
 * Makes the control group of a bundle, with the groups that it lies in, in all trees. Disposing takes away what was made; the group has
 * to be empty by then. What it is about to make is written to `notes` first, for who sweeps up after a killed process. Throws SandboxError ("limits").
 */
export function makeGroup(group: string, notes: string | undefined): AsyncDisposable {
  const ways = groupTrees().map((tree) => foldersTo(tree, group));
  if (notes !== undefined) writeFileSync(notes, [group, ...new Set(ways.flatMap((way) => way.missing.slice(0, -1)).map(withoutTree))].join("\n"));
  const held: string[] = [];
  try {
    for (const { own, missing, onTheWay } of ways) {
      // Nobody needs what is not there, whatever was said of it before.
      for (const path of missing.slice(0, -1)) madeOnTheWay.set(path, 0);
      for (const path of onTheWay) {
        const users = madeOnTheWay.get(path);
        if (users === undefined) continue;
        madeOnTheWay.set(path, users + 1);
        held.push(path);
      }
      mkdirSync(own, { recursive: true });
    }
  } catch (error) {
    releaseFolders([...ways.map(({ own }) => own), ...held]);
    throw new SandboxError("limits", `--cgroup-parent: the control group ${dirname(group)} cannot be used: ${(error as Error).message}: give one in which groups can be made`, { cause: error });
  }
  return {
    async [Symbol.asyncDispose]() {
      await removeGroup(group);
      releaseFolders(held);
    },
  };
}

/** Takes the control group away, and those that a runtime made in it, in all trees; those that stay busy are left. */
export async function removeGroup(group: string): Promise<void> {
  for (const path of foldersOf(group)) {
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !removeEmptyFolder(path); attempt++) await sleep(10);
  }
}

/** The same without waiting, and with what `makeGroup` noted of it. */
export function sweepGroup(group: string, notes: string): void {
  const [noted = "", ...onTheWay] = existsSync(notes) ? readFileSync(notes, "utf8").split("\n") : [];
  for (const path of [group, noted].filter((each) => each !== "").flatMap(foldersOf)) removeEmptyFolder(path);
  for (const path of onTheWay.toSorted((a, b) => b.length - a.length).flatMap((each) => groupTrees().map((tree) => join(tree, each)))) removeEmptyFolder(path);
}

/** Deepest first. One that somebody else has put a group in by now is theirs. */
function releaseFolders(paths: readonly string[]): void {
  for (const path of paths.toSorted((a, b) => b.length - a.length)) {
    const users = madeOnTheWay.get(path) ?? 1;
    if (users > 1) {
      madeOnTheWay.set(path, users - 1);
      continue;
    }
    madeOnTheWay.delete(path);
    removeEmptyFolder(path);
  }
}

interface Way {
  readonly own: string;
  /** From the outermost on, with `own`. */
  readonly missing: readonly string[];
  /** Without `own`. */
  readonly onTheWay: readonly string[];
}

function foldersTo(tree: string, group: string): Way {
  const names = group.split("/").filter((name) => name !== "");
  const all = names.map((_, i) => join(tree, ...names.slice(0, i + 1)));
  return { own: join(tree, group), missing: all.filter((path) => !existsSync(path)), onTheWay: all.slice(0, -1) };
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

function withoutTree(path: string): string {
  const tree = groupTrees().find((each) => path.startsWith(`${each}/`)) ?? CGROUP_ROOT;
  return path.slice(tree.length);
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
