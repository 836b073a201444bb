import { HttpError } from "../host/http-error.ts";
import { RegistryError } from "./registry-error.ts";
import type { RegistryServer } from "./registry-server.ts";
import { retrying } from "./retry.ts";
import { repositoryScope, type Access, type Scope } from "./scope.ts";

/** The servers that may be asked about one repository, and what to say to them. */
export interface RepositoryServers {
  readonly name: string;
  readonly path: string;
  readonly scopes: readonly Scope[];
  /** Mirrors first; the registry itself is last. */
  readonly servers: readonly [...mirrors: RegistryServer[], registry: RegistryServer];
  /** Mirrors that could not be reached, or sent other bytes than they were asked for. They are not asked again while this client is open. */
  readonly passedOver: Set<RegistryServer>;
}

export interface RepositoryName {
  readonly domain: string;
  readonly path: string;
}

export function repositoryServers({ domain, path }: RepositoryName, access: Access, found: Pick<RepositoryServers, "servers" | "passedOver">): RepositoryServers {
  return { name: `${domain}/${path}`, path, scopes: [repositoryScope(path, access)], ...found };
}

export function registryOf({ servers }: RepositoryServers): RegistryServer {
  const registry = servers.at(-1);
  if (registry === undefined) throw new Error("a repository without servers");
  return registry;
}

/**
 * The first answer that is one. A mirror that has nothing, or fails, is passed over: it is an aid and no authority.
 * The registry's own answer, or refusal, stands; only it is asked repeatedly.
 */
export async function askInOrder<T>(
  repository: RepositoryServers,
  ask: (server: RegistryServer) => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const registry = registryOf(repository);
  const failures: string[] = [];
  for (const mirror of repository.servers.slice(0, -1)) {
    if (repository.passedOver.has(mirror)) continue;
    try {
      const answer = await ask(mirror);
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      if (error.cause instanceof HttpError && error.cause.code === "unreachable") repository.passedOver.add(mirror);
      failures.push(`mirror ${mirror.endpoint.base.host}: ${error.message}`);
    }
  }
  try {
    return await retrying(() => ask(registry), signal);
  } catch (error) {
    if (!(error instanceof RegistryError) || failures.length === 0) throw error;
    const { code, status, retryAfterMs } = error;
    throw new RegistryError(code, `${error.message}; before that, ${failures.join("; ")}`, { cause: error, status, retryAfterMs });
  }
}
