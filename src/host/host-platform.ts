import { machine } from "node:os";

/** The platform of this machine in image-spec's words, which are Go's. */
export interface HostPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const SYSTEMS: Readonly<Record<string, string>> = { win32: "windows", sunos: "solaris" };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le", mipsel: "mipsle" };

export function hostPlatform(): HostPlatform {
  const os = SYSTEMS[process.platform] ?? process.platform;
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  if (architecture !== "arm") return { os, architecture };
  const version = /^armv(\d)/i.exec(machine())?.[1] ?? "8";
  return { os, architecture, variant: `v${version}` };
}
