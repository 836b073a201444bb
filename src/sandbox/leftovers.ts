import { closeSync, existsSync, openSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import { join } from "node:path/posix";
import { setTimeout as sleep } from "node:timers/promises";
import { tryLock } from "../syscall/lock.ts";
import { CGROUP_ROOT } from "./survey-ground.ts";

/** In a bundle's folder: locked by its process for as long as that lives. */
export const OWNER_LOCK = "owner";

const BUNDLE_NAME = /^(\d+)-[0-9a-z]{25}$/;

/** How often a control group is found busy, with processes that are on their way out, before it is left behind. */
const ATTEMPTS_MAX = 50;

/** Name of the control group within the bundle's that is measured: its runtime takes it away with the process, and what it used stays told by the other. */
export const MEASURED_GROUP = "process";

/** How an OCI runtime knows the bundle's container; also the name of its control groups. */
export function containerId(bundleId: string): string {
  return `stemma-${bundleId}`;
}

/**
 * Takes away what a runtime that was killed had made for one bundle and that does not go with the bundle itself. Its
 * own `delete` does not help: it knows nothing of a container whose state it has not written yet, while the control
 * groups are there.
 */
export async function removeLeftovers(bundleId: string): Promise<void> {
  for (const path of controlGroups(bundleId)) {
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !removeEmptyGroup(path); attempt++) await sleep(10);
  }
}

/** Takes away bundles and control groups of processes of ours that were killed. */
export function sweepLeftovers(stateDirectory: string): void {
  for (const name of readdirSync(stateDirectory)) {
    const owner = BUNDLE_NAME.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`) || isLocked(join(stateDirectory, name, OWNER_LOCK))) continue;
    for (const path of controlGroups(name)) removeEmptyGroup(path);
    // Last, so that a sweep that is cut short is taken up again.
    rmSync(join(stateDirectory, name), { recursive: true, force: true });
  }
}

/** A process in another process namespace, such as another container's, is not in our /proc; its lock is seen all the same. */
function isLocked(path: string): boolean {
  if (!existsSync(path)) return false;
  const fd = openSync(path, "r");
  try {
    return !tryLock(fd, "exclusive");
  } finally {
    closeSync(fd);
  }
}

/** Version 2 has one tree, version 1 one for each controller. Groups within others come first. */
function controlGroups(bundleId: string): readonly string[] {
  const trees = existsSync(CGROUP_ROOT) ? ["", ...readdirSync(CGROUP_ROOT)] : [];
  const groups = trees.map((tree) => join(CGROUP_ROOT, tree, containerId(bundleId)));
  return groups.flatMap((group) => [join(group, MEASURED_GROUP), group]).filter((path) => existsSync(path));
}

/** False while processes are in it. A group is removed by its directory alone: the files in it are the kernel's. */
function removeEmptyGroup(path: string): boolean {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "EBUSY") return false;
    if (!["ENOENT", "EACCES", "EPERM", "EROFS"].includes(code)) throw error;
  }
  return true;
}
