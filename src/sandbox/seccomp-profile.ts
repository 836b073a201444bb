import { ALLOWED_CALLS, REFUSED_CALLS } from "./seccomp-syscalls.ts";

/** `linux.seccomp` of the OCI runtime specification, as far as we use it. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  readonly errnoRet?: number;
  readonly args?: ReadonlyArray<{ readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }>;
}

const EPERM = 1;
const ENOSYS = 38;
const AF_ALG = 38;
const AF_VSOCK = 40;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET together. */
const CLONE_NEW_ANY = 0x7e02_0000;

/** personality(2): PER_LINUX and PER_LINUX32, each also with UNAME26, and the question for the present one. */
const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/**
 * Node's names for what the profile is written for, with the architectures whose programs run there too. The x32 ABI is
 * left out: kernels come without it, and each architecture costs the runtime several milliseconds for every process.
 */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/**
 * Our profile. An allow list; what it does not know answers ENOSYS, so that a C library that tries something newer
 * falls back, and what is refused on purpose answers EPERM. Undefined for an architecture that it was not written for.
 */
export function seccompProfile(architecture: string): SeccompProfile | undefined {
  const architectures = ARCHITECTURES[architecture];
  if (architectures === undefined) return undefined;
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: ENOSYS,
    architectures,
    syscalls: [
      { names: ALLOWED_CALLS, action: "SCMP_ACT_ALLOW" },
      { names: REFUSED_CALLS, action: "SCMP_ACT_ERRNO", errnoRet: EPERM },
      ...PERSONALITIES.map((value) => allowWhen("personality", { value, op: "SCMP_CMP_EQ" })),
      allowWhen("clone", { value: CLONE_NEW_ANY, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }),
      // Its flags lie in memory that a filter cannot read; without it the C library uses clone.
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
      allowWhen("socket", { value: AF_ALG, op: "SCMP_CMP_LT" }),
      allowWhen("socket", { value: AF_ALG + 1, op: "SCMP_CMP_EQ" }),
      allowWhen("socket", { value: AF_VSOCK, op: "SCMP_CMP_GT" }),
    ],
  };
}

function allowWhen(name: string, condition: { readonly value: number; readonly valueTwo?: number; readonly op: string }): SeccompRule {
  return { names: [name], action: "SCMP_ACT_ALLOW", args: [{ index: 0, ...condition }] };
}
