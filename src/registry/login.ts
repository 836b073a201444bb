import type { Environment } from "../host/environment.ts";
import type { Credential, CredentialStore } from "./credential.ts";
import { CredentialError } from "./credential.ts";
import { eraseFromHelper, getFromHelper, storeInHelper } from "./credential-helper.ts";
import { loginFile } from "./default-credentials.ts";
import { configKey, entryFor, readDockerConfig, writeDockerConfig, type AuthEntry, type DockerConfig } from "./docker-config.ts";
import type { RegistryConfig } from "./registry-config.ts";
import { openRegistryClient } from "./registry-client.ts";
import { registryOf } from "./repository-servers.ts";

/** Where a login was put. */
export interface StoredLogin {
  readonly place: string;
  /** True where it stands there as text that anyone who reads the file can use. */
  readonly isPlainText: boolean;
}

export interface LoginRequest {
  /** `docker.io`, `ghcr.io`, `localhost:5000`. */
  readonly host: string;
  readonly credential: Credential;
  readonly config: RegistryConfig;
  readonly env: Environment;
}

/** Asks the registry whether it knows this user. Rejects with RegistryError where it does not. */
export async function verifyLogin({ host, credential, config, env }: LoginRequest, signal: AbortSignal): Promise<void> {
  const credentials: CredentialStore = { places: "the command line", find: async () => ({ credential, source: "the command line" }) };
  await using client = openRegistryClient({ credentials, config, env });

  const server = registryOf(client.servers({ domain: host, path: "" }, "push"));
  const response = await server.call({ method: "GET", target: "", scopes: [], what: host, expected: [200] }, signal);
  await response.discard();
}

/** Keeps a login where Docker and we look for it: in the helper that the file names, else in the file. */
export async function storeLogin({ host, credential, env }: Omit<LoginRequest, "config">, signal: AbortSignal): Promise<StoredLogin> {
  const path = mustHaveFile(env);
  const config = await readDockerConfig(path);
  const helper = helperFor(config, host);
  if (helper !== undefined) await storeInHelper(helper, configKey(host), credential, { env, signal });
  const entry = helper === undefined ? entryOf(credential) : {};
  await writeDockerConfig(path, { ...config, auths: { ...withoutEntry(config.auths, host), [configKey(host)]: entry } });
  return { place: helper === undefined ? path : `docker-credential-${helper}`, isPlainText: helper === undefined };
}

/** Forgets a login. False where there was none. */
export async function eraseLogin(host: string, env: Environment, signal: AbortSignal): Promise<boolean> {
  const path = mustHaveFile(env);
  const config = await readDockerConfig(path);
  const helper = helperFor(config, host);
  const wasInHelper = helper !== undefined && (await getFromHelper(helper, configKey(host), env, signal)) !== undefined;
  if (helper !== undefined && wasInHelper) await eraseFromHelper(helper, configKey(host), env, signal);
  const wasInFile = entryFor(config.auths, host) !== undefined;
  if (wasInFile) await writeDockerConfig(path, { ...config, auths: withoutEntry(config.auths, host) });
  return wasInHelper || wasInFile;
}

/** What would be found before a login that is kept in the file, and so hides it. */
export function hiddenBy(env: Environment): string | undefined {
  return env["DOCKER_AUTH_CONFIG"] ? "DOCKER_AUTH_CONFIG" : undefined;
}

function mustHaveFile(env: Environment): string {
  const path = loginFile(env);
  if (path === undefined) throw new CredentialError("nowhere to keep a login: set HOME or DOCKER_CONFIG");
  return path;
}

function helperFor(config: DockerConfig, host: string): string | undefined {
  return entryFor(config.credHelpers, host) ?? (config.credsStore === "" ? undefined : config.credsStore);
}

function entryOf(credential: Credential): AuthEntry {
  switch (credential.kind) {
    case "basic":
      return { auth: Buffer.from(`${credential.username}:${credential.password}`).toString("base64") };
    case "identity":
      return { identitytoken: credential.token };
    case "bearer":
      return { registrytoken: credential.token };
  }
}

/** All but this registry's, in whatever form its key was once written. */
function withoutEntry(auths: DockerConfig["auths"], host: string): Readonly<Record<string, AuthEntry>> {
  return Object.fromEntries(Object.entries(auths ?? {}).filter(([key, entry]) => entryFor({ [key]: entry }, host) === undefined));
}
