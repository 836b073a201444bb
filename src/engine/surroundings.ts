import { accessSync, constants, existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "../host/environment.ts";
import { machineBundle } from "../host/http-trust.ts";
import { readRegistryConfig, RegistryConfigError } from "../registry/registry-config.ts";
import { redactProxy } from "../scrub/url.ts";
import { resolvePolicy, type ResolvedPolicy } from "../upkeep/collection-policy.ts";
import { collectionPolicies } from "./collection-settings.ts";

/** A variable that decides over connections, with credentials masked. */
export interface ProxyVariable {
  readonly name: string;
  readonly value: string;
}

/** Where certificates are believed from. `path` is undefined for the list that Node brings. */
export interface AuthoritySource {
  readonly from: "machine" | "SSL_CERT_FILE" | "SSL_CERT_DIR" | "NODE_EXTRA_CA_CERTS";
  readonly path: string | undefined;
  /** Why it cannot be read; every connection with TLS fails then. */
  readonly problem: string | undefined;
}

export interface SettingsFile {
  readonly path: string;
  /** A file that is not there is as good as an empty one. */
  readonly exists: boolean;
  readonly problem: string | undefined;
}

export interface StateRoot {
  readonly path: string;
  readonly exists: boolean;
  readonly writable: boolean;
  /** Where its file system is asked: the path itself, or the nearest directory above that exists. */
  readonly nearest: string;
  readonly freeBytes: number;
}

/** Names what is tried in a directory of the user's, for the moment that it is there. */
export const SCRATCH_PREFIX = ".stemma-doctor-";

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/** Those that count: where both spellings are set, upper case does (host/http-proxy.ts). */
export function proxyVariables(env: Environment): readonly ProxyVariable[] {
  return PROXY_VARIABLES.flatMap((upper) => {
    const name = [upper, upper.toLowerCase()].find((spelling) => env[spelling]);
    return name === undefined ? [] : [{ name, value: redactProxy(env[name] ?? "") }];
  });
}

/** In the order in which they are read (host/http-trust.ts). */
export function authoritySources(env: Environment): readonly AuthoritySource[] {
  const machine = machineBundle();
  const directories = (env["SSL_CERT_DIR"] ?? "").split(":").filter(Boolean);
  return [
    { from: "machine", path: machine, problem: machine && readProblem(machine) },
    ...(["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] as const).flatMap((from) => {
      const path = env[from];
      return path ? [{ from, path, problem: readProblem(path) }] : [];
    }),
    ...directories.map((path) => ({ from: "SSL_CERT_DIR" as const, path, problem: readProblem(path) })),
  ];
}

export async function settingsFile(path: string): Promise<SettingsFile> {
  const problem = await Promise.all([readRegistryConfig(path), collectionPolicies(path)]).then(() => undefined, (error: unknown) => {
    if (error instanceof RegistryConfigError) return error.message;
    throw error;
  });
  return { path, exists: existsSync(path), problem };
}

/** What a build would collect at its end; nothing where the settings have a problem, as then there is no build. */
export async function collection(settings: SettingsFile, { nearest }: StateRoot): Promise<readonly ResolvedPolicy[]> {
  if (settings.problem !== undefined) return [];
  const { blocks, bsize } = await statfs(nearest);
  return (await collectionPolicies(settings.path)).map((policy) => resolvePolicy(policy, blocks * bsize));
}

export async function stateRoot(path: string): Promise<StateRoot> {
  let nearest = path;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  const { bavail, bsize } = await statfs(nearest);
  return { path, exists: nearest === path, writable: isWritable(nearest), nearest, freeBytes: bavail * bsize };
}

/** By trying: permissions do not tell of quotas, read-only mounts and file systems that take no files. */
function isWritable(directory: string): boolean {
  try {
    rmdirSync(mkdtempSync(join(directory, SCRATCH_PREFIX)));
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

function readProblem(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
