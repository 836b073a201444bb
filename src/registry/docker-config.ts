import { chmod, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeDirectories } from "../host/make-directories.ts";
import { randomId } from "../host/random.ts";
import { CredentialError, type Credential } from "./credential.ts";

/** Docker's config.json: what we read of it. Unknown members are kept when it is written. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

export interface AuthEntry {
  /** Base64 of `user:password`. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** The key under which Docker keeps the login of Docker Hub. */
export const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

const DOCKER_HUB_HOSTS: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** The key under which a registry's login is kept. */
export function configKey(host: string): string {
  return DOCKER_HUB_HOSTS.has(host) ? DOCKER_HUB_KEY : host;
}

/** The entry for a registry, in whatever form its key was once written: `https://host/v1/`, `host/`, `host`. */
export function entryFor<T>(entries: Readonly<Record<string, T>> | undefined, host: string): T | undefined {
  if (entries === undefined) return undefined;
  const key = configKey(host);
  const exact = Object.hasOwn(entries, key) ? entries[key] : undefined;
  return exact ?? Object.entries(entries).find(([name]) => configKey(hostOfKey(name)) === key)?.[1];
}

/** Undefined for an entry without a secret: Docker leaves such a one where a helper keeps it. */
export function credentialOf(entry: AuthEntry, where: string): Credential | undefined {
  if (entry.identitytoken) return { kind: "identity", token: entry.identitytoken };
  if (entry.registrytoken) return { kind: "bearer", token: entry.registrytoken };
  if (entry.auth) {
    const text = Buffer.from(entry.auth, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon < 0) throw new CredentialError(`${where}: "auth" is not base64 of user:password`);
    // Old versions of Docker padded the password.
    return { kind: "basic", username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
  }
  return entry.username && entry.password ? { kind: "basic", username: entry.username, password: entry.password } : undefined;
}

export function parseDockerConfig(text: string, where: string): DockerConfig {
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch (error) {
    // JSON.parse quotes the text around the mistake, which may be a password.
    throw new CredentialError(`${where}: not JSON`, { cause: error instanceof SyntaxError ? undefined : error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CredentialError(`${where}: not a JSON object`);
  return value;
}

/** No file is an empty one. */
export async function readDockerConfig(path: string): Promise<DockerConfig> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return "";
    throw new CredentialError(`${path}: ${error.message}`, { cause: error });
  });
  return parseDockerConfig(text, path);
}

/** Replaces the file in one step, readable by its owner only. A symbolic link stays one. */
export async function writeDockerConfig(path: string, config: DockerConfig): Promise<void> {
  await makeDirectories(dirname(path), 0o700);
  const target = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return path;
    throw error;
  });
  const temporary = join(dirname(target), `.config.json.${randomId()}`);
  try {
    await using file = await open(temporary, "wx", 0o600);

    await file.writeFile(`${JSON.stringify(config, undefined, "\t")}\n`);
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await chmod(temporary, 0o600);
  await rename(temporary, target);
}

function hostOfKey(key: string): string {
  return key.replace(/^https?:\/\//, "").split("/", 1)[0] ?? key;
}
