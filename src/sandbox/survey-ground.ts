import { readFileSync } from "node:fs";
import { capabilityNames } from "../syscall/privilege.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";

/** What the mount namespace that sandboxes run in offers them. */
export interface Survey {
  /** True inside a user namespace, where root is not the machine's. */
  readonly rootless: boolean;
  readonly manyIds: boolean;
  /** How control groups are mounted. `hybrid` is version 1 with a version 2 tree beside it, which crun refuses. */
  readonly cgroups: "none" | "read-only" | "v1" | "hybrid" | "v2";
  /** Whether the kernel can filter system calls. */
  readonly seccomp: boolean;
}

export const CGROUP_ROOT = "/sys/fs/cgroup";

/** Where a hybrid layout has its version 2 tree. */
export const HYBRID_TREE = "/sys/fs/cgroup/unified";

/** Reads it all from the /proc of the namespace; spawns nothing. */
export function surveyGround(namespace: MountNamespace): Survey {
  const read = (path: string): string => readFileSync(namespace.viewPath(path), "utf8");
  return {
    // The one mapping of the machine's own namespace: all 32-bit ids onto themselves.
    rootless: !/^\s*0\s+0\s+4294967295\s*$/.test(read("/proc/1/uid_map")),
    manyIds: namespace.manyIds,
    cgroups: cgroupLayout(read("/proc/1/mountinfo")),
    seccomp: /^Seccomp:/m.test(read("/proc/1/status")),
  };
}

/** The most that a process in here can ever have. */
export function boundingCapabilities(namespace: MountNamespace): readonly string[] {
  return capabilityNames(/^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync(namespace.viewPath("/proc/1/status"), "utf8"))?.[1] ?? "0");
}

/** Out of the text of /proc/<pid>/mountinfo (proc(5)). */
export function cgroupLayout(mountInfo: string): Survey["cgroups"] {
  const mounts = mountInfo.split("\n").map(parseMount).filter((mount) => mount.point === CGROUP_ROOT || mount.point.startsWith(`${CGROUP_ROOT}/`));
  const root = mounts.findLast((mount) => mount.point === CGROUP_ROOT);
  if (root === undefined) return "none";
  if (root.type === "cgroup2") return root.writable ? "v2" : "read-only";
  const hierarchies = mounts.filter((mount) => mount.type === "cgroup");
  if (hierarchies.length === 0) return "none";
  if (!hierarchies.every((mount) => mount.writable)) return "read-only";
  return mounts.some((mount) => mount.type === "cgroup2") ? "hybrid" : "v1";
}

function parseMount(line: string): { readonly point: string; readonly type: string; readonly writable: boolean } {
  const [before = "", after = ""] = line.split(" - ");
  const fields = before.split(" ");
  const [type = "", , superOptions = ""] = after.split(" ");
  const writable = [fields[5] ?? "", superOptions].every((options) => !options.split(",").includes("ro"));
  return { point: fields[4] ?? "", type, writable };
}
