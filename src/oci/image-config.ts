/** image-spec, config.md, with Docker's additional members. Only what we read or write by name is listed. */
export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly variant?: string;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: readonly string[] | null };
  /** Null where a builder in Go had none. */
  readonly history?: readonly HistoryEntry[] | null;
  readonly config?: RuntimeConfig;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True when the step made no layer, so that non-empty entries and diff ids pair up in order. */
  readonly empty_layer?: boolean;
}

export interface RuntimeConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly ArgsEscaped?: boolean;
  readonly Healthcheck?: object;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
}
