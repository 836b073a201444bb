import { readFile, stat } from "node:fs/promises";
import type { Environment } from "../host/environment.ts";
import { untilAborted } from "../host/until-aborted.ts";
import type { NamedSecret } from "./secret-flag.ts";
import { SessionError, systemReason } from "./session-error.ts";
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
  readonly environment: Environment;
}

/**
 * What this process lends its own engine. Files of secrets are looked at here, so that a missing one is
 * told before the build starts: throws SessionError "unreadable" or "secret-too-big".
 */
export async function openEmbeddedSession(options: EmbeddedSessionOptions, signal: AbortSignal): Promise<Session> {
  signal.throwIfAborted();
  const secrets = new Map(options.secrets.map(({ id, source }) => [id, source]));
  for (const [id, source] of secrets) {
    if (source.kind === "file") await checkFile(id, source.path);
  }
  return {
    id: EMBEDDED_SESSION_ID,
    directory: (name) => options.directories.get(name),
    async secret(id, secretSignal) {
      const source = secrets.get(id);
      return source === undefined ? undefined : await readSecret({ id, source }, options.environment, secretSignal);
    },
  };
}

async function checkFile(id: string, path: string): Promise<void> {
  let sizeBytes: number;
  try {
    sizeBytes = (await stat(path)).size;
  } catch (error) {
    throw new SessionError("unreadable", `failed to stat ${path}: stat ${path}: ${systemReason(error)}`, { cause: error });
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
        throw new SessionError("unreadable", `open ${source.path}: ${systemReason(error)}`, { cause: error });
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
