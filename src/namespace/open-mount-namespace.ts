import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import type { Environment } from "../host/environment.ts";
import { findExecutable, nodeExecutable, searchPath } from "../host/executable.ts";
import { ownProgram } from "../host/own-program.ts";
import { startHolder } from "./holder-client.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import { NamespaceError } from "./namespace-error.ts";
import { USER_NAMESPACE_SWITCHES, hasSubordinateRange, unshareCommands } from "./unshare-command.ts";

export interface MountNamespaceOptions {
  /** Only PATH is read. */
  readonly environment: Environment;
  readonly nodePath?: string;
  /** The program that runs inside; found beside this module, in the source as in the bundle, when not given. */
  readonly holderPath?: string;
}

/**
 * Opens a mount namespace of our own, the strongest that this machine gives us. Takes some 40 ms, so one
 * per engine and only once somebody needs it. Throws NamespaceError when there is none to be had, with what to enable.
 */
export async function openMountNamespace(options: MountNamespaceOptions, signal: AbortSignal): Promise<MountNamespace> {
  const unsharePath = findExecutable("unshare", options.environment);
  if (unsharePath === undefined) {
    throw new NamespaceError("tool-missing", "unshare (package util-linux) is needed to mount anything and is not on PATH");
  }
  const userId = process.geteuid?.() ?? -1;
  const commands = unshareCommands({
    userId,
    unsharePath,
    subordinateIds: findExecutable("newuidmap", options.environment) !== undefined && hasSubordinateIds(userId),
    nodePath: options.nodePath ?? nodeExecutable(),
    holderPath: options.holderPath ?? ownProgram(import.meta.url, "namespace/holder"),
  });
  const refusals: string[] = [];
  for (const command of commands) {
    const started = await startHolder(command, { PATH: searchPath(options.environment) }, signal);
    if (typeof started !== "string") return started;
    refusals.push(started);
  }
  throw new NamespaceError("not-permitted", explainRefusal(userId, refusals));
}

function hasSubordinateIds(id: number): boolean {
  const user = { id, name: userName(id) };
  return ["/etc/subuid", "/etc/subgid"].every((path) => hasSubordinateRange(readIfThere(path), user));
}

/** A user id without a line in passwd is common in containers. */
function userName(id: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(id);
  }
}

function explainRefusal(userId: number, refusals: readonly string[]): string {
  const advice = USER_NAMESPACE_SWITCHES
    .filter((item) => readIfThere(item.path).trim() === item.forbids)
    .map((item) => `${item.path} is ${item.forbids}; allow user namespaces with: ${item.advice}`);
  return [
    `this machine gives ${userId === 0 ? "root without CAP_SYS_ADMIN" : `user ${userId}`} no mount namespace (${[...new Set(refusals)].join("; ")})`,
    ...(advice.length > 0 ? advice : ["run as root, or allow unprivileged user namespaces (in a container: also its seccomp and AppArmor profiles)"]),
  ].join("\n");
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
