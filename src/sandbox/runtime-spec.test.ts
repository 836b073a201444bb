import { join } from "node:path";
import { testGolden } from "../testing/golden.ts";
import { runtimeSpec, type SandboxGround } from "./runtime-spec.ts";
import type { SandboxProcess } from "./sandbox.ts";
import { seccompProfile } from "./seccomp-profile.ts";
import type { TreeUser } from "./tree-user.ts";

interface Case {
  readonly step: Omit<SandboxProcess, "onOutput" | "limits" | "devices" | "insecure"> & Partial<Pick<SandboxProcess, "devices" | "insecure">> & { readonly limits?: ReadonlyArray<{ readonly name: string; readonly soft: number; readonly hard: number }> };
  readonly user: TreeUser;
  readonly ground: Omit<SandboxGround, "seccomp" | "capabilities"> & { readonly seccompFor?: string };
}

testGolden(join(import.meta.dirname, "testdata/runtime-spec"), "case.json", (text) => {
  const { step, user, ground } = JSON.parse(text) as Case;
  const files = { rootPath: "/state/root", resolvConf: "/state/resolv.conf", hosts: "/state/hosts" };
  const { seccompFor, ...rest } = ground;
  const seccomp = seccompFor === undefined ? undefined : seccompProfile(seccompFor);
  const limits = (step.limits ?? []).map(({ name, soft, hard }) => ({ name, soft: BigInt(soft), hard: BigInt(hard) }));
  const spec = runtimeSpec({ devices: [], insecure: false, terminal: false, ...step, limits }, user, files, { ...rest, cgroup: rest.cgroup, seccomp, capabilities: ["CAP_CHOWN", "CAP_SYS_ADMIN"] });
  return `${JSON.stringify(spec, undefined, 1)}\n`;
});
