import type { Readable, Writable } from "node:stream";
import type { HostIP, Mount, NetMode, SecretEnv, SecurityMode } from "../llb/op.ts";
import type { Platform } from "../oci/platform.ts";
import type { BridgeReference } from "./bridge.ts";

/** A container that a frontend wants. Nothing of what is written in it comes back, but into caches. */
export interface BridgeContainerRequest {
  /** What is mounted of a reference, or of an empty tree, which is undefined. `input` and `output` mean nothing. */
  readonly mounts: ReadonlyArray<{ readonly mount: Mount; readonly reference: BridgeReference | undefined }>;
  readonly network: NetMode;
  readonly hostname: string;
  readonly extraHosts: readonly HostIP[];
  readonly platform: Platform;
}

export interface BridgeProcessRequest {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly security: SecurityMode;
  readonly secretEnv: readonly SecretEnv[];
  readonly streams: "output" | "input-and-output" | "terminal";
}

/** A process that was started; to be read to its end. */
export interface BridgeProcess {
  readonly input: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Rejects with what kept it from running; an error with an `exitCode` tells of one. */
  readonly exited: Promise<number>;
  resize(size: { readonly rows: number; readonly columns: number }): void;
  signal(number: number): void;
}

/** Disposing ends all processes, and takes the mounts away. */
export interface BridgeContainer extends AsyncDisposable {
  /** The first makes the container run; those that come later join it. */
  start(request: BridgeProcessRequest): Promise<BridgeProcess>;
}
