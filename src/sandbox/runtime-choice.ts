import type { Survey } from "./survey-ground.ts";
import type { Isolation } from "./sandbox.ts";

/** Those that are chosen among; a chroot is only taken by name. */
export type RuntimeName = Exclude<Isolation["runtime"], "chroot">;

/** Whether a runtime can be used here, and why not, or how far. */
export interface RuntimeReport {
  readonly runtime: RuntimeName;
  readonly available: boolean;
  readonly seccomp: boolean;
  /** Empty when there is nothing to say against it. */
  readonly reason: string;
}

/** What `<runtime> --version` printed; nothing where it is not installed, does not run, or was not asked. */
export type RuntimeVersions = Readonly<Partial<Record<"runc" | "crun", string | undefined>>>;

/** The better one of two that both can be used first: crun starts a process in half the time. */
export const OCI_RUNTIMES: readonly ["crun", "runc"] = ["crun", "runc"];

/**
 * Best first: what filters system calls before what does not, and then as in OCI_RUNTIMES.
 * Pure, so that each machine's answer can be tested on any other.
 */
export function reportRuntimes(survey: Survey, versions: RuntimeVersions): readonly RuntimeReport[] {
  const oci = OCI_RUNTIMES.map((runtime): RuntimeReport => {
    const version = versions[runtime];
    const refusal = version === undefined ? `${runtime} is not installed` : cgroupRefusal(runtime, survey);
    if (refusal !== "") return { runtime, available: false, seccomp: false, reason: refusal };
    const seccomp = survey.seccomp && hasSeccomp(version ?? "");
    const lack = seccomp ? "" : `no seccomp: ${survey.seccomp ? `this ${runtime} was built without it` : "the kernel lacks it"}`;
    return { runtime, available: true, seccomp, reason: missesEnds(version ?? "") ? [MISSES_ENDS, lack].filter((text) => text !== "").join("; ") : lack };
  });
  const strongestFirst = oci.toSorted((a, b) => strength(b) - strength(a));
  const reason = `no ${survey.seccomp ? "" : "seccomp and no "}control groups; used when neither runc nor crun can be`;
  return [...strongestFirst, { runtime: "namespaces", available: true, seccomp: survey.seccomp, reason }];
}

function strength({ available, seccomp }: RuntimeReport): number {
  return Number(available) + Number(seccomp);
}

/** As root both insist on control groups; in a user namespace they do without. */
function cgroupRefusal(runtime: "runc" | "crun", survey: Survey): string {
  if (survey.cgroups === "none") return `${runtime} needs control groups mounted at /sys/fs/cgroup`;
  if (survey.cgroups === "read-only" && !survey.rootless) return `${runtime} needs to write control groups, and /sys/fs/cgroup is read-only`;
  if (runtime === "crun" && survey.cgroups === "hybrid" && survey.rootless) return "crun refuses control groups of both versions side by side";
  return "";
}

const MISSES_ENDS = "this runc may wait for ever for a process that ends at once (opencontainers/runc#5208): use a newer one, or crun";

/** From 1.3.0 on until that was mended in each branch, a runc could miss the signal that tells of its process's end. */
function missesEnds(version: string): boolean {
  const [, minor, patch, candidate] = /^runc version 1\.(\d+)\.(\d+)(-rc\.\d+)?/.exec(version) ?? [];
  return (minor === "3" && Number(patch) <= 5) || (minor === "4" && Number(patch) <= 1) || (minor === "5" && candidate === "-rc.1");
}

/** runc prints `libseccomp: 2.5.4`, crun `+SECCOMP`. */
function hasSeccomp(version: string): boolean {
  return /^libseccomp: \d|\+SECCOMP\b/m.test(version);
}
