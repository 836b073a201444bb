import { existsSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import { join } from "node:path/posix";
import { containerId } from "./oci-runtime.ts";
import { CGROUP_ROOT } from "./survey-ground.ts";

const BUNDLE_NAME = /^(\d+)-[0-9a-z]{25}$/;

/** Takes away the bundles, container states and empty control groups of processes of ours that were killed. */
export function sweepLeftovers(stateDirectory: string): void {
  for (const name of readdirSync(stateDirectory)) {
    const owner = BUNDLE_NAME.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    for (const runtime of ["runc", "crun"]) rmSync(join(stateDirectory, runtime, containerId(name)), { recursive: true, force: true });
    for (const folder of ["", ...readdirIfThere(CGROUP_ROOT)]) removeEmptyGroup(join(CGROUP_ROOT, folder, containerId(name)));
    // Last, so that a sweep that is cut short is taken up again.
    rmSync(join(stateDirectory, name), { recursive: true, force: true });
  }
}

function removeEmptyGroup(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    // Not there, or not allowed, or still with processes: then it is no leftover.
    if (!["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS", "EBUSY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function readdirIfThere(path: string): readonly string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
