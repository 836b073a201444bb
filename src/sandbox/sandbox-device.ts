import { statSync } from "node:fs";
import { normalize } from "node:path/posix";
import { deviceOf } from "../syscall/node.ts";
import type { CdiNode } from "./cdi-spec.ts";
import { SandboxError } from "./sandbox-error.ts";

/** A device node of this machine that a process gets. */
export interface SandboxDevice {
  readonly path: string;
  /** On this machine. */
  readonly source: string;
  readonly kind: "char" | "block";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Letters of the device control group: `rwm`. */
  readonly permissions: string;
}

/** Throws SandboxError ("device") where the machine does not have it. */
export function sandboxDevice({ path, hostPath, permissions, mode, uid, gid }: CdiNode): SandboxDevice {
  const stat = statSync(hostPath, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) throw new SandboxError("device", `the device ${hostPath} is not there`);
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) throw new SandboxError("device", `${hostPath} is no device`);
  // Elsewhere the node would stay behind in the layer.
  if (!path.startsWith("/dev/") || path !== normalize(path)) throw new SandboxError("device", `a device can be given to a step in /dev only, not at ${path}`);
  return {
    path, permissions, source: hostPath, kind: stat.isBlockDevice() ? "block" : "char", ...deviceOf(stat.rdev),
    mode: mode ?? Number(stat.mode & 0o777n), uid: uid ?? Number(stat.uid), gid: gid ?? Number(stat.gid),
  };
}

/** What of this machine's devices a step without a sandbox's limits finds, as with BuildKit. */
export function insecureDevices(): readonly SandboxDevice[] {
  const names = ["kmsg", "cuse", "fuse", "kvm", "net/tun", "loop-control", ...Array.from({ length: 8 }, (_none, number) => `loop${number}`)];
  const paths = names.map((name) => `/dev/${name}`).filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  return paths.map((path) => sandboxDevice({ path, hostPath: path, permissions: "rwm", mode: undefined, uid: undefined, gid: undefined }));
}
