import { toLower } from "../go-text.ts";
import type { DockerConfig, DockerImage, Healthcheck, History } from "./docker-image.ts";

/** An image configuration that cannot be read. */
export class ImageConfigError extends Error {
  override readonly name = "ImageConfigError";
  readonly code = "invalid-image-config";

  get retryable(): boolean {
    return false;
  }
}

export interface ParsedImage {
  readonly image: DockerImage;
  /** When the image was made; empty where it does not say. */
  readonly created: string;
}

/** Reads a configuration as Go does: member names in any case, `null` for nothing, unknown members left out. Throws ImageConfigError. */
export function parseImage(bytes: Uint8Array): ParsedImage {
  const root = new Members(parseJson(bytes), "");
  const rootfs = root.object("rootfs");
  const variant = root.text("variant");
  const version = root.text("os.version");
  const features = root.texts("os.features");
  const image: DockerImage = {
    author: root.text("author"),
    platform: {
      architecture: root.text("architecture"),
      os: root.text("os"),
      ...(version === "" ? {} : { "os.version": version }),
      ...(features.length === 0 ? {} : { "os.features": features }),
      ...(variant === "" ? {} : { variant }),
    },
    rootfs: { type: rootfs.text("type"), diffIds: rootfs.has("diff_ids") ? rootfs.texts("diff_ids") : undefined },
    history: root.objects("history").map(parseHistory),
    config: parseConfig(root.object("config")),
  };
  return { image, created: goTime(root.text("created")) };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw new ImageConfigError(error.message, { cause: error });
    throw error;
  }
}

function parseHistory(entry: Members): History {
  return {
    created: goTime(entry.text("created")),
    createdBy: entry.text("created_by"),
    author: entry.text("author"),
    comment: entry.text("comment"),
    emptyLayer: entry.flag("empty_layer"),
    origin: undefined,
  };
}

function parseConfig(config: Members): DockerConfig {
  return {
    user: config.text("User"),
    exposedPorts: new Set(config.keys("ExposedPorts")),
    env: config.texts("Env"),
    entrypoint: config.texts("Entrypoint"),
    cmd: config.texts("Cmd"),
    volumes: new Set(config.keys("Volumes")),
    workingDir: config.text("WorkingDir"),
    labels: config.textMap("Labels"),
    stopSignal: config.text("StopSignal"),
    argsEscaped: config.flag("ArgsEscaped"),
    healthcheck: config.has("Healthcheck") ? parseHealthcheck(config.object("Healthcheck")) : undefined,
    onbuild: config.texts("OnBuild"),
    shell: config.texts("Shell"),
  };
}

function parseHealthcheck(check: Members): Healthcheck {
  return {
    test: check.texts("Test"),
    intervalNs: check.integer("Interval"),
    timeoutNs: check.integer("Timeout"),
    startPeriodNs: check.integer("StartPeriod"),
    startIntervalNs: check.integer("StartInterval"),
    retries: Number(check.integer("Retries")),
  };
}

/** Go writes a time that it has read without trailing zeros. */
function goTime(time: string): string {
  return time.replace(/\.(\d*?)0+(?=Z|[+-]\d\d:\d\d$)/, (_fraction, digits: string) => (digits === "" ? "" : `.${digits}`)).replace(/[+-]00:00$/, "Z");
}

/** The members of one JSON object. */
class Members {
  readonly #values = new Map<string, unknown>();
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#path = path;
    if (value === null || value === undefined) return;
    if (typeof value !== "object" || Array.isArray(value)) throw this.#wrong("", "an object");
    for (const [key, member] of Object.entries(value)) if (member !== null) this.#values.set(toLower(key), member);
  }

  has(key: string): boolean {
    return this.#values.has(toLower(key));
  }

  text(key: string): string {
    const value = this.#values.get(toLower(key)) ?? "";
    if (typeof value !== "string") throw this.#wrong(key, "a text");
    return value;
  }

  flag(key: string): boolean {
    const value = this.#values.get(toLower(key)) ?? false;
    if (typeof value !== "boolean") throw this.#wrong(key, "a boolean");
    return value;
  }

  integer(key: string): bigint {
    const value = this.#values.get(toLower(key)) ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value)) throw this.#wrong(key, "an integer");
    return BigInt(value);
  }

  texts(key: string): readonly string[] {
    return this.#list(key).map((item) => {
      if (typeof item !== "string") throw this.#wrong(key, "a list of texts");
      return item;
    });
  }

  object(key: string): Members {
    return new Members(this.#values.get(toLower(key)), `${this.#path}${key}.`);
  }

  objects(key: string): readonly Members[] {
    return this.#list(key).map((item) => new Members(item, `${this.#path}${key}.`));
  }

  keys(key: string): readonly string[] {
    return this.#entries(key).map(([name]) => name);
  }

  textMap(key: string): ReadonlyMap<string, string> {
    return new Map(this.#entries(key).map(([name, value]) => {
      if (typeof value !== "string") throw this.#wrong(key, "a map of texts");
      return [name, value];
    }));
  }

  #list(key: string): readonly unknown[] {
    const value = this.#values.get(toLower(key)) ?? [];
    if (!Array.isArray(value)) throw this.#wrong(key, "a list");
    return value;
  }

  #entries(key: string): ReadonlyArray<readonly [string, unknown]> {
    const value = this.#values.get(toLower(key)) ?? {};
    if (typeof value !== "object" || Array.isArray(value)) throw this.#wrong(key, "an object");
    return Object.entries(value);
  }

  #wrong(key: string, kind: string): ImageConfigError {
    return new ImageConfigError(`image configuration: ${this.#path}${key} is not ${kind}`);
  }
}
