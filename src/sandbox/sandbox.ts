import type { Readable } from "node:stream";
import type { MountedTree } from "../snapshot/layer-store.ts";
import type { SandboxDevice } from "./sandbox-device.ts";
import type { UsageObject } from "./usage/usage-tree.ts";

/** How a process reaches the network. `host` is the default of BuildKit without CNI, and ours. */
export type NetworkMode = "host" | "none";

/** Something put into the tree for the length of one process. */
export type SandboxMount =
  | { readonly kind: "bind"; readonly source: string; readonly destination: string; readonly readOnly: boolean }
  | { readonly kind: "tmpfs"; readonly destination: string; readonly sizeBytes: number | undefined };

/** A limit of getrlimit(2); -1 is none. */
export interface ResourceLimit {
  /** In lower case and without its prefix, as `ulimit` flags have it: `nofile`. */
  readonly name: string;
  readonly soft: bigint;
  readonly hard: bigint;
}

export interface SandboxProcess {
  readonly argv: readonly [string, ...string[]];
  /** `NAME=value` in order. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** As written in USER: name or number, with an optional group. Looked up in the tree's own passwd and group. Empty is root. */
  readonly user: string;
  readonly network: NetworkMode;
  readonly hostname: string;
  /** Added to /etc/hosts. */
  readonly extraHosts: ReadonlyArray<{ readonly host: string; readonly ip: string }>;
  readonly mounts: readonly SandboxMount[];
  /** Beside the harmless ones that every process has. */
  readonly devices: readonly SandboxDevice[];
  /** True for all capabilities and devices, no filter of system calls, and /proc and /sys as they are: namespaces alone are left. */
  readonly insecure: boolean;
  /** What is named replaces the limits that we were started with. */
  readonly limits: readonly ResourceLimit[];
  readonly readOnlyRoot: boolean;
  /** What the process reads from standard input; undefined: nothing. */
  readonly input: Readable | undefined;
  /** Called with what the process prints, as it comes. */
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  /** Called once, after the process has ended, with what it and its descendants used; not where no control group tells. Undefined: not measured. */
  readonly onUsage: ((usage: UsageObject) => void) | undefined;
}

/** What is known of a sandbox's strength; recorded in the provenance and told by `doctor`. */
export interface Isolation {
  /** `chroot`: another root directory is all that separates a process from the machine. */
  readonly runtime: "runc" | "crun" | "namespaces" | "chroot";
  readonly seccomp: boolean;
  readonly rootless: boolean;
}

export interface Sandbox {
  readonly isolation: Isolation;
  /**
   * Runs one process in one tree and returns its exit code.
   * Rejects with signal.reason once the process and its descendants are gone, with SandboxError when it cannot be started.
   * Mount points that it had to make in the tree (/proc, /sys, /dev, /etc/resolv.conf, /etc/hosts, mounts) are taken
   * away again where BuildKit takes them away (removeMountStubsRecursive).
   */
  run(process: SandboxProcess, root: MountedTree, signal: AbortSignal): Promise<number>;
}
