import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Environment } from "../host/environment.ts";
import { SessionError, systemReason } from "./session-error.ts";

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
    return { id, source: sourceOf([path]) };
  }
  if (given.includes("") || (directory === undefined && given.some((path) => !path.startsWith("/")))) throw new SessionError("usage", `--ssh ${text}: paths of a socket or of private keys are needed`);
  return { id, source: sourceOf(given.map((path) => resolve(directory ?? "/", path))) };
}

function sourceOf(paths: readonly [string] | readonly string[]): AgentSource {
  const sockets = paths.filter(isSocket);
  const [socket] = sockets;
  if (socket === undefined) return { kind: "keys", paths };
  if (sockets.length > 1) throw new SessionError("usage", "only single socket allowed");
  if (paths.length > 1) throw new SessionError("usage", "invalid combination of keys and sockets");
  return { kind: "socket", path: socket };
}

function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch (error) {
    throw new SessionError("unreadable", `failed to open ${path}: ${systemReason(error)}`, { cause: error });
  }
}
