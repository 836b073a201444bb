import type { Readable, Writable } from "node:stream";

/** One call of mount(2). */
export interface MountRequest {
  readonly type: "overlay" | "bind" | "tmpfs" | "proc";
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** The last argument of mount(2), such as `lowerdir=…`. */
  readonly data: string;
}

export interface SpawnRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** `none` is /dev/null. A terminal, by the path of its end for processes, is standard output and error too. */
  readonly stdin: "none" | "pipe" | { readonly terminal: string };
}

export interface SpawnedProcess {
  /** As counted inside the namespace. */
  readonly pid: number;
  /** Undefined unless a pipe was asked for. */
  readonly stdin: Writable | undefined;
  /** As `stderr`, empty where the process has a terminal. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Exit code, or 128 + signal number. */
  readonly exited: Promise<number>;
  /** SIGKILL takes all descendants with it; other signals go to the process alone. */
  kill(signalName: NodeJS.Signals): void;
}

export interface IdMaps {
  readonly uid: string;
  readonly gid: string;
}

/**
 * A mount namespace and process namespace of our own, held by a helper process.
 *
 * Whatever is mounted or started here is gone when the helper is, and the helper goes when
 * we go, also by SIGKILL: nothing that we do can be left behind on the host. Node cannot
 * enter a mount namespace itself, so we look into it through /proc/<pid>/root.
 */
export interface MountNamespace extends AsyncDisposable {
  /** True where ids other than the caller's own exist inside: as root, or with a range of subordinate ids. */
  readonly manyIds: boolean;
  mount(request: MountRequest, signal: AbortSignal): Promise<void>;
  /** What is still in use is only put out of sight, and is gone with its last user. */
  unmount(target: string): Promise<void>;
  /** The signal kills the process, as SIGKILL does; `exited` still tells when it is gone. */
  spawn(request: SpawnRequest, signal: AbortSignal): Promise<SpawnedProcess>;
  /** Sends a signal, by its number, to a process that something in here started; `pid` counts as inside. Nothing where it has ended. */
  signal(pid: number, number: number): void;
  /** How ids outside are those inside: uid_map and gid_map as read from here (user_namespaces(7)). */
  idMaps(): IdMaps;
  /** Where this process finds what a process inside finds at `path`. */
  viewPath(path: string): string;
}
