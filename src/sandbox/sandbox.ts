import type { Readable, Writable } from "node:stream";
import type { MountedTree } from "../snapshot/layer-store.ts";
import type { TerminalSize } from "../syscall/terminal.ts";
import type { GroupRequest } from "./control-group.ts";
import type { SandboxDevice } from "./sandbox-device.ts";
import type { UsageObject } from "./usage/usage-tree.ts";

/**
 * How a process reaches the network. `host` is the default of BuildKit without CNI, and ours. `relay` is the path of a socket: the process has a
 * network of its own, where what connects to RELAY_PORT of its loopback comes out of that socket, and nothing else gets anywhere. Its processes
 * read at AUTHORITIES_PATH whom to trust there (PEM).
 */
export type NetworkMode = "host" | "none" | { readonly relay: string; readonly authorities: Uint8Array };

/** In a directory that is in no layer, and that no step empties. */
export const AUTHORITIES_PATH = "/dev/stemma-authorities.pem";

/** Beyond the ports that the kernel gives out, and known to nobody (RFC 6335 §6). The same for each process: it stands in its environment, which programs write down. */
export const RELAY_PORT = 61_080;

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

/** When a runtime runs a hook (OCI runtime specification 1.1, POSIX-platform Hooks). */
export const HOOK_KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;

/** A program that the runtime runs around a process, outside of its tree but for `startContainer`, and tells the container's state. */
export interface SandboxHook {
  readonly kind: (typeof HOOK_KINDS)[number];
  readonly path: string;
  /** With the program's own name first. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeoutSeconds: number | undefined;
}

/** Shares of a processor's caches and of its way to memory, in the words of the OCI runtime specification (config-linux.md, IntelRdt). */
export interface IntelRdt {
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly schemata?: readonly string[];
  readonly enableMonitoring?: true;
}

/** An interface of this machine that is the process's for as long as it runs. */
export interface NetDevice {
  readonly hostName: string;
  readonly name: string;
}

/** What only some versions of OCI runtimes do. */
export interface RuntimeExtras {
  readonly intelRdt?: IntelRdt | undefined;
  readonly netDevices?: readonly NetDevice[];
}

/** A command and who runs it. */
export interface SandboxCommand {
  readonly argv: readonly [string, ...string[]];
  /** `NAME=value` in order. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** As written in USER: name or number, with an optional group. Looked up in the tree's own passwd and group. Empty is root. */
  readonly user: string;
}

/** All that is around a command. */
export interface Surroundings extends RuntimeExtras {
  readonly network: NetworkMode;
  readonly hostname: string;
  /** Added to /etc/hosts. */
  readonly extraHosts: ReadonlyArray<{ readonly host: string; readonly ip: string }>;
  readonly mounts: readonly SandboxMount[];
  /** Beside the harmless ones that every process has. */
  readonly devices: readonly SandboxDevice[];
  /** None where nothing is said. */
  readonly hooks?: readonly SandboxHook[];
  /** Numbers, beside the groups of the command's user. */
  readonly additionalGroups?: readonly number[];
  /** True for all capabilities and devices, no filter of system calls, and /proc and /sys as they are: namespaces alone are left. */
  readonly insecure: boolean;
  /** What is named replaces the limits that we were started with. */
  readonly limits: readonly ResourceLimit[];
  /** Undefined: whatever control group there is, without limits. */
  readonly group: GroupRequest | undefined;
  readonly readOnlyRoot: boolean;
}

export interface SandboxProcess extends SandboxCommand, Surroundings {
  /** What the process reads from standard input; undefined: nothing. */
  readonly input: Readable | undefined;
  /** Called with what the process prints, as it comes. */
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  /** Called once, after the process has ended, with what it and its descendants used; not where no control group tells. Undefined: not measured. */
  readonly onUsage: ((usage: UsageObject) => void) | undefined;
  /** Called before the end is told, where the kernel has ended a process of the step for want of memory; not where no control group tells. */
  readonly onMemoryKill?: () => void;
}

/** One of several processes in a container. */
export interface ContainerProcess extends SandboxCommand {
  /** What standard input, output and error are: pipes, the first of them nothing, or one terminal. */
  readonly streams: "output" | "input-and-output" | "terminal";
}

/** A process that runs, or ran. */
export interface StartedProcess {
  /** Undefined where it reads nothing. Its end is the end of the input, but for a terminal. */
  readonly input: Writable | undefined;
  /** To be read, lest the process waits for it. */
  readonly stdout: Readable;
  /** Empty where there is a terminal. */
  readonly stderr: Readable;
  /** Exit code, or 128 + signal number. Rejects with SandboxError when the process could not be started after all. */
  readonly exited: Promise<number>;
  /** Nothing where there is no terminal. */
  resize(size: TerminalSize): void;
  /** To the process alone, by number. The first process of a container is its process 1: the kernel keeps signals from it that it does not expect, but SIGKILL. */
  signal(number: number): void;
}

/** A tree with surroundings, for processes that run one beside the other. Disposing ends them all, and leaves nothing. */
export interface SandboxContainer extends AsyncDisposable {
  /**
   * The first process makes the container, and what is left of it ends with that process. Those that come later join it while it runs; an empty `user` is then
   * the first one's. Resolves when the process runs. Rejects with SandboxError where it cannot be started, and where the first one has ended.
   */
  start(process: ContainerProcess): Promise<StartedProcess>;
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
  /** Rejects with SandboxError ("limits") where no process can be held to it; to be asked before anything runs. */
  requireGroup(group: GroupRequest): Promise<void>;
  /** Those that no process can have here; to be asked before anything runs. */
  lacking(extras: RuntimeExtras, signal: AbortSignal): Promise<ReadonlyArray<keyof RuntimeExtras>>;
  /**
   * Runs one process in one tree and returns its exit code.
   * Rejects with signal.reason once the process and its descendants are gone, with SandboxError when it cannot be started.
   * Mount points that it had to make in the tree (/proc, /sys, /dev, /etc/resolv.conf, /etc/hosts, mounts) are taken
   * away again where BuildKit takes them away (removeMountStubsRecursive).
   */
  run(process: SandboxProcess, root: MountedTree, signal: AbortSignal): Promise<number>;
  /** Nothing is started, or made in the tree, before the first process. Throws SandboxError ("unavailable") where no process can join another. */
  open(surroundings: Surroundings, root: MountedTree): SandboxContainer;
}
