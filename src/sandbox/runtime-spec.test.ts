import { join } from "node:path";
import { testGolden } from "../testing/golden.ts";
import type { GroupLimits } from "./control-group.ts";
import { runtimeSpec, type SandboxGround } from "./runtime-spec.ts";
import type { SandboxProcess } from "./sandbox.ts";
import { seccompProfile } from "./seccomp-profile.ts";
import type { TreeUser } from "./tree-user.ts";

interface Case {
  readonly step: Omit<SandboxProcess, "onOutput" | "limits" | "group" | "devices" | "insecure"> & Partial<Pick<SandboxProcess, "devices" | "insecure">> & { readonly limits?: ReadonlyArray<{ readonly name: string; readonly soft: number; readonly hard: number }>; readonly group?: { readonly parent: string; readonly limits: Readonly<Record<keyof GroupLimits, number | string>> } };
  readonly user: TreeUser;
  readonly ground: Omit<SandboxGround, "seccomp" | "capabilities"> & { readonly seccompFor?: string };
}

testGolden(join(import.meta.dirname, "testdata/runtime-spec"), "case.json", (text) => {
  const { step, user, ground } = JSON.parse(text) as Case;
  const files = { rootPath: "/state/root", resolvConf: "/state/resolv.conf", hosts: "/state/hosts", authorities: undefined, network: undefined };
  const { seccompFor, ...rest } = ground;
  const seccomp = seccompFor === undefined ? undefined : seccompProfile(seccompFor);
  const limits = (step.limits ?? []).map(({ name, soft, hard }) => ({ name, soft: BigInt(soft), hard: BigInt(hard) }));
  const spec = runtimeSpec({ devices: [], insecure: false, terminal: false, ...step, limits, group: groupOf(step.group) }, user, files, { ...rest, cgroup: rest.cgroup, seccomp, capabilities: ["CAP_CHOWN", "CAP_SYS_ADMIN"] });
  return `${JSON.stringify(spec, undefined, 1)}\n`;
});

function groupOf(group: Case["step"]["group"]): SandboxProcess["group"] {
  if (group === undefined) return undefined;
  const limits = Object.fromEntries(Object.entries(group.limits).map(([key, value]) => [key, typeof value === "number" ? BigInt(value) : value]));
  // Numbers have become what they are in a request; the names are those of the case.
  return { parent: group.parent, namedBy: "--cgroup-parent", limits: limits as Record<keyof GroupLimits, never> };
}
