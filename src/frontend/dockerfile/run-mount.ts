/** What one `RUN --mount` asks for. Defaults that depend on the build are left to the conversion. */
export interface RunMount {
  readonly type: MountType;
  readonly from: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Of a tmpfs; 0 means no limit. */
  readonly sizeLimitBytes: bigint;
  /** Key `id`: of a cache, secret or agent socket. */
  readonly id: string;
  /** Empty when not given. */
  readonly sharing: "" | MountSharing;
  readonly required: boolean;
  /** Name of the variable for a secret; empty means the default name, undefined none. */
  readonly env: string | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export type MountType = "bind" | "cache" | "tmpfs" | "secret" | "ssh";
export type MountSharing = "shared" | "private" | "locked";
