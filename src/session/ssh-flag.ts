import { closeSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Environment } from "../host/environment.ts";
import { SessionError, systemReason } from "./session-error.ts";

/** Nobody writes more than that before a key. */
const BEGINNING_BYTES = 16 * 1024;

/** Where the keys of an ssh agent are. */
export type AgentSource =
  /** An agent that runs already listens here. */
  | { readonly kind: "socket"; readonly path: string }
  /** Private keys, for an agent of the build's own. */
  | { readonly kind: "keys"; readonly paths: readonly string[] };

export interface NamedAgent {
  readonly id: string;
  readonly source: AgentSource;
}

export interface AgentPlace {
  /** What relative paths are relative to. */
  readonly directory: string | undefined;
  /** SSH_AUTH_SOCK is the agent of who names none. */
  readonly env: Environment;
}

/** An agent as `--ssh` names it: `default`, or `ID=SOCKET` or `ID=KEY,KEY`. Throws SessionError in BuildKit's words. */
export function parseAgent(text: string, { directory, env }: AgentPlace): NamedAgent {
  const equals = text.indexOf("=");
  const id = equals === -1 ? text : text.slice(0, equals);
  if (id === "") throw new SessionError("usage", `--ssh ${text}: an id is needed, such as default`);
  const given = equals === -1 ? [] : text.slice(equals + 1).split(",");
  if (given.length === 0) {
    const path = env["SSH_AUTH_SOCK"] ?? "";
    if (path === "") throw new SessionError("usage", "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
    return { id, source: sourceOf(id, [path]) };
  }
  if (given.includes("") || (directory === undefined && given.some((path) => !path.startsWith("/")))) throw new SessionError("usage", `--ssh ${text}: paths of a socket or of private keys are needed`);
  return { id, source: sourceOf(id, given.map((path) => resolve(directory ?? "/", path))) };
}

function sourceOf(id: string, paths: readonly string[]): AgentSource {
  const failed = (code: SessionError["code"], why: string, cause?: unknown): SessionError => new SessionError(code, `failed to convert agent config for ID: ${JSON.stringify(id)}: ${why}`, { cause });
  const files = paths.map((path) => {
    try {
      const stats = statSync(path);
      if (stats.isSocket()) return undefined;
      // What comes through a pipe can be read once, and that is for who uses the key.
      return { path, text: stats.isFIFO() ? undefined : beginningOf(path) };
    } catch (error) {
      throw failed("unreadable", `${(error as NodeJS.ErrnoException).syscall} ${path}: ${systemReason(error)}`, error);
    }
  });
  const keys = files.filter((file) => file !== undefined);
  const [first = "", ...more] = paths;
  if (keys.length === 0 && more.length === 0) return { kind: "socket", path: first };
  if (keys.length < paths.length) throw failed("usage", keys.length === 0 ? "only single socket allowed" : "invalid combination of keys and sockets");
  const none = keys.find(({ text }) => text?.includes("-----BEGIN ") === false);
  if (none !== undefined) throw failed("unreadable", `failed to parse ${none.path}: ssh: no key found: give a private key, or the socket of an agent`);
  return { kind: "keys", paths };
}

/** So much that any key in PEM (RFC 7468) has begun. */
function beginningOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(BEGINNING_BYTES);
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.byteLength, 0));
  } finally {
    closeSync(file);
  }
}
