import { readFile, stat } from "node:fs/promises";
import type { Environment } from "../host/environment.ts";
import { untilAborted } from "../host/until-aborted.ts";
import { startKeyAgent, type KeyAgent } from "./key-agent.ts";
import type { NamedSecret, SecretSource } from "./secret-flag.ts";
import { SessionError, systemReason } from "./session-error.ts";
import type { NamedAgent } from "./ssh-flag.ts";
import type { LocalDirectory, Session } from "./session.ts";

/**
 * Stands in the digests of local sources, as any session's id does. This engine has one session for each build, so
 * the name can be the same always, and equal builds have equal records.
 */
export const EMBEDDED_SESSION_ID = "stemma";

/** BuildKit's bound on one secret. */
const SECRET_BYTES_MAX = 500 * 1024;

export interface EmbeddedSessionOptions {
  /** By the names that the frontend asks for: `context`, `dockerfile`, named contexts. */
  readonly directories: ReadonlyMap<string, LocalDirectory>;
  /** Of two secrets with one id the later counts. */
  readonly secrets: readonly NamedSecret[];
  /** Of two agents with one id the later counts. */
  readonly agents: readonly NamedAgent[];
  readonly environment: Environment;
}

/** Disposing ends what was started for it. */
export interface EmbeddedSession extends Session, AsyncDisposable {}

/**
 * What this process lends its own engine. Files of secrets are looked at here, so that a missing one is
 * told before the build starts: throws SessionError "unreadable" or "secret-too-big".
 */
export async function openEmbeddedSession(options: EmbeddedSessionOptions, signal: AbortSignal): Promise<EmbeddedSession> {
  signal.throwIfAborted();
  const secrets = new Map(options.secrets.map(({ id, source }) => [id, source]));
  for (const [id, source] of secrets) {
    if (source.kind === "file") await checkFile(id, source);
  }
  const agents = new Map(options.agents.map(({ id, source }) => [id, source]));
  const started = new Map<string, Promise<KeyAgent>>();
  return {
    id: EMBEDDED_SESSION_ID,
    directory: (name) => options.directories.get(name),
    async secret(id, secretSignal) {
      const source = secrets.get(id);
      return source === undefined ? undefined : await readSecret({ id, source }, options.environment, secretSignal);
    },
    async agent(id, agentSignal) {
      const source = agents.get(id);
      if (source?.kind !== "keys") return source?.path;
      let agent = started.get(id);
      if (agent === undefined) started.set(id, (agent = startKeyAgent(source.paths, options.environment, agentSignal)));
      return (await agent).socket;
    },
    async [Symbol.asyncDispose]() {
      // One that could not be started has told so to who asked.
      const running = await Promise.allSettled(started.values());
      for (const each of running) if (each.status === "fulfilled") await each.value[Symbol.asyncDispose]();
    },
  };
}

async function checkFile(id: string, { path, given = path }: Extract<SecretSource, { kind: "file" }>): Promise<void> {
  let sizeBytes: number;
  try {
    sizeBytes = (await stat(path)).size;
  } catch (error) {
    throw new SessionError("unreadable", `failed to stat ${given}: stat ${given}: ${systemReason(error)}`, { cause: error });
  }
  if (sizeBytes > SECRET_BYTES_MAX) throw new SessionError("secret-too-big", `secret ${id} too big. max size 500KiB`);
}

async function readSecret({ id, source }: NamedSecret, environment: Environment, signal: AbortSignal): Promise<Uint8Array> {
  switch (source.kind) {
    case "env":
      // A variable that was named but is not set is an empty secret, as there.
      return Buffer.from(environment[source.name] ?? "");
    case "file":
      try {
        return await readFile(source.path, { signal });
      } catch (error) {
        signal.throwIfAborted();
        throw new SessionError("unreadable", `${(error as NodeJS.ErrnoException).syscall ?? "open"} ${source.given ?? source.path}: ${systemReason(error)}`, { cause: error });
      }
    case "function":
      try {
        // The caller's function may not look at the signal.
        return await untilAborted(source.read(signal), signal);
      } catch (error) {
        signal.throwIfAborted();
        throw new SessionError("unreadable", `secret ${id}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
  }
}
