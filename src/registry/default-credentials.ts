import { join } from "node:path";
import type { Environment } from "../host/environment.ts";
import type { CredentialStore, FoundCredential } from "./credential.ts";
import { getFromHelper } from "./credential-helper.ts";
import { configKey, credentialOf, entryFor, parseDockerConfig, readDockerConfig, type DockerConfig } from "./docker-config.ts";

/** A place where logins are kept. */
interface Place {
  readonly name: string;
  read(): DockerConfig | Promise<DockerConfig>;
}

/**
 * The logins of the user whose environment this is.
 *
 * In order: the variable DOCKER_AUTH_CONFIG, the file REGISTRY_AUTH_FILE, Docker's config.json. The first that has
 * something for a registry wins. Files are read when first needed, and once.
 */
export function defaultCredentials(env: Environment): CredentialStore {
  const places = credentialPlaces(env);
  const configs = new Map<Place, Promise<DockerConfig>>();
  return {
    places: places.map(({ name }) => name).join(", ") || "nowhere: neither DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE, DOCKER_CONFIG nor HOME is set",
    async find(host, signal) {
      for (const place of places) {
        const config = configs.get(place) ?? Promise.try(() => place.read());
        configs.set(place, config);
        const found = await findIn(await config, place.name, { host, env, signal });
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** Where a login is written, and then found again. */
export function loginFile(env: Environment): string | undefined {
  return env["REGISTRY_AUTH_FILE"] || dockerConfigFile(env);
}

function credentialPlaces(env: Environment): readonly Place[] {
  const text = env["DOCKER_AUTH_CONFIG"];
  const files = [env["REGISTRY_AUTH_FILE"], dockerConfigFile(env)].filter((path): path is string => path !== undefined && path !== "");
  return [
    ...(text ? [{ name: "DOCKER_AUTH_CONFIG", read: () => parseDockerConfig(text, "DOCKER_AUTH_CONFIG") }] : []),
    ...files.map((path) => ({ name: path, read: () => readDockerConfig(path) })),
  ];
}

function dockerConfigFile(env: Environment): string | undefined {
  if (env["DOCKER_CONFIG"]) return join(env["DOCKER_CONFIG"], "config.json");
  const home = env["HOME"] || env["USERPROFILE"];
  return home ? join(home, ".docker", "config.json") : undefined;
}

interface Search {
  readonly host: string;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/** A helper for this registry counts before the general one, and both before what stands in the file. */
async function findIn(config: DockerConfig, place: string, { host, env, signal }: Search): Promise<FoundCredential | undefined> {
  const helper = entryFor(config.credHelpers, host) ?? config.credsStore;
  if (helper) {
    const credential = await getFromHelper(helper, configKey(host), env, signal);
    if (credential !== undefined) return { credential, source: `docker-credential-${helper}, named in ${place}` };
  }
  const entry = entryFor(config.auths, host);
  const credential = entry === undefined ? undefined : credentialOf(entry, `${place}: ${host}`);
  return credential === undefined ? undefined : { credential, source: place };
}
