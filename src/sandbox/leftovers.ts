import { closeSync, existsSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path/posix";
import { tryLock } from "../syscall/lock.ts";
import type { Bundle } from "./bundle.ts";
import { removeGroup, sweepGroup } from "./group-folders.ts";

/** In a bundle's folder: locked by its process for as long as that lives. In it is the name of the control group made for it. */
export const OWNER_LOCK = "owner";

const BUNDLE_NAME = /^(\d+)-[0-9a-z]{25}$/;

/** How an OCI runtime knows the bundle's container; also the name of its control groups. */
export function containerId(bundleId: string): string {
  return `stemma-${bundleId}`;
}

/**
 * Takes away what a runtime that was killed had made for one bundle and that does not go with the bundle itself. Its
 * own `delete` does not help: it knows nothing of a container whose state it has not written yet, while the control
 * groups are there.
 */
export async function removeLeftovers({ id, ground }: Pick<Bundle, "id" | "ground">): Promise<void> {
  await removeGroup(ground.cgroup?.own ?? `/${containerId(id)}`);
}

/** Takes away bundles and control groups of processes of ours that were killed. */
export function sweepLeftovers(stateDirectory: string): void {
  for (const name of readdirSync(stateDirectory)) {
    const owner = BUNDLE_NAME.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`) || isLocked(join(stateDirectory, name, OWNER_LOCK))) continue;
    sweepGroup(`/${containerId(name)}`, join(stateDirectory, name, OWNER_LOCK));
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
