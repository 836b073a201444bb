import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../host/environment.ts";
import type { TlsSettings } from "../host/http-trust.ts";

/** How one registry is reached: BuildKit's `[registry."host"]`, with its files read. */
export interface RegistrySettings {
  /** Asked before the registry itself when pulling, in this order: `host` or `host/prefix`. */
  readonly mirrors: readonly string[];
  /** Undefined leaves it to the host: plain HTTP for this machine, TLS for others. */
  readonly http: boolean | undefined;
  readonly tls: TlsSettings;
}

/** What is set for registries, and where, so that a message can say which file to change. */
export interface RegistryConfig {
  readonly path: string;
  readonly registries: ReadonlyMap<string, RegistrySettings>;
}

export const DEFAULT_SETTINGS: RegistrySettings = { mirrors: [], http: undefined, tls: { ca: [], keypairs: [], insecure: false } };

/** BuildKit's keys at the top of the same file, which are not about registries. */
const OTHER_KEYS: ReadonlySet<string> = new Set(
  `debug trace root insecure-entitlements proxyNetwork log grpc otel cdi worker dns history frontend system provenanceEnvDir cache`.split(" "),
);

export class RegistryConfigError extends Error {
  override readonly name = "RegistryConfigError";
  readonly code = "registry-config";
  readonly retryable = false;
}

/** `stemma/stemma.toml` in the user's configuration directory (XDG Base Directory). */
export function registryConfigPath(env: Environment): string | undefined {
  const directory = env["XDG_CONFIG_HOME"] || (env["HOME"] ? join(env["HOME"], ".config") : undefined);
  return directory === undefined ? undefined : join(directory, "stemma", "stemma.toml");
}

/** The settings of the user whose environment this is. */
export async function loadRegistryConfig(env: Environment): Promise<RegistryConfig> {
  const path = registryConfigPath(env);
  return path === undefined ? { path: "stemma.toml (set HOME to have one)", registries: new Map() } : await readRegistryConfig(path);
}

/** The same settings with one registry to be reached in any way that it answers: BuildKit's `registry.insecure=true`. */
export function withInsecureRegistry(config: RegistryConfig, host: string): RegistryConfig {
  const settings = config.registries.get(host) ?? DEFAULT_SETTINGS;
  return { ...config, registries: new Map([...config.registries, [host, { ...settings, http: true, tls: { ...settings.tls, insecure: true } }]]) };
}

/** Reads BuildKit's TOML form. No file is the same as an empty one; a key that nobody knows is an error. */
export async function readRegistryConfig(path: string): Promise<RegistryConfig> {
  const document = await readSettingsDocument(path);
  const tables = Object.entries(tableOf(document["registry"] ?? {}, `${path}: registry`));
  return { path, registries: new Map(await Promise.all(tables.map(async ([host, table]) => [host, await readSettings(table, `${path}: registry."${host}"`)] as const))) };
}

/** The whole file, of which registries are one part. Throws RegistryConfigError. */
export async function readSettingsDocument(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new RegistryConfigError(`${path}: ${error.message}`, { cause: error });
  });
  if (text.trim() === "") return {};
  const { parse } = await import("smol-toml");
  let document: Record<string, unknown>;
  try {
    document = parse(text);
  } catch (error) {
    throw new RegistryConfigError(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const unknownKey = Object.keys(document).find((key) => key !== "registry" && !OTHER_KEYS.has(key));
  if (unknownKey !== undefined) throw new RegistryConfigError(`${path}: unknown key ${unknownKey}`);
  return document;
}

type Reader<T> = (value: unknown, where: string) => T;

const READERS = {
  mirrors: textsOf,
  http: flagOf,
  insecure: flagOf,
  ca: textsOf,
  keypair: keypairsOf,
  tlsconfigdir: textsOf,
} satisfies Record<string, Reader<unknown>>;

async function readSettings(value: unknown, where: string): Promise<RegistrySettings> {
  const table = tableOf(value, where);
  const unknownKey = Object.keys(table).find((key) => !(key in READERS));
  if (unknownKey !== undefined) throw new RegistryConfigError(`${where}: unknown key ${unknownKey}; there are ${Object.keys(READERS).join(", ")}`);
  const read = <T>(key: keyof typeof READERS, reader: Reader<T>): T | undefined => (table[key] === undefined ? undefined : reader(table[key], `${where}.${key}`));
  const directories = await Promise.all((read("tlsconfigdir", textsOf) ?? []).map(certificatesIn));
  const authorities = [...(read("ca", textsOf) ?? []), ...directories.flatMap(({ ca }) => ca)];
  const pairs = [...(read("keypair", keypairsOf) ?? []), ...directories.flatMap(({ keypairs }) => keypairs)];
  const [ca, keypairs] = await Promise.all([
    Promise.all(authorities.map((file) => readNamed(file, where))),
    Promise.all(pairs.map(async ({ cert, key }) => ({ cert: await readNamed(cert, where), key: await readNamed(key, where) }))),
  ]);
  return { mirrors: read("mirrors", textsOf) ?? [], http: read("http", flagOf), tls: { ca, keypairs, insecure: read("insecure", flagOf) ?? false } };
}

/** Docker's `certs.d` layout: `*.crt` are authorities, `x.cert` with `x.key` is a key pair. */
async function certificatesIn(directory: string): Promise<{ readonly ca: readonly string[]; readonly keypairs: readonly KeypairPaths[] }> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "EACCES") return [];
    throw error;
  });
  const ending = (suffix: string): string[] => names.filter((name) => name.endsWith(suffix)).toSorted();
  return {
    ca: ending(".crt").map((name) => join(directory, name)),
    keypairs: ending(".cert").map((name) => ({ cert: join(directory, name), key: join(directory, name.replace(/cert$/, "key")) })),
  };
}

async function readNamed(file: string, where: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: Error) => {
    throw new RegistryConfigError(`${where}: ${error.message}`, { cause: error });
  });
}

function tableOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new RegistryConfigError(`${where} is not a table`);
  return value as Readonly<Record<string, unknown>>;
}

function flagOf(value: unknown, where: string): boolean {
  if (typeof value !== "boolean") throw new RegistryConfigError(`${where} is neither true nor false`);
  return value;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== "string") throw new RegistryConfigError(`${where} is not a text`);
  return value;
}

function textsOf(value: unknown, where: string): readonly string[] {
  if (!Array.isArray(value)) throw new RegistryConfigError(`${where} is not a list of texts`);
  return value.map((one) => textOf(one, where));
}

interface KeypairPaths {
  readonly cert: string;
  readonly key: string;
}

function keypairsOf(value: unknown, where: string): readonly KeypairPaths[] {
  if (!Array.isArray(value)) throw new RegistryConfigError(`${where} is not a list of tables`);
  return value.map((one) => {
    const { cert, key } = tableOf(one, where);
    return { cert: textOf(cert, `${where}.cert`), key: textOf(key, `${where}.key`) };
  });
}
