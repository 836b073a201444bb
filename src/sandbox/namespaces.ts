import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { Bundle } from "./bundle.ts";
import type { Command, JoinableRuntime } from "./joinable-runtime.ts";
import { START_ERROR_FILE, TOOL_ENVIRONMENT, follow, type ProcessStreams } from "./run-to-end.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";
import { startError } from "./sandbox-error.ts";

export interface NamespacesRuntimeOptions {
  readonly unsharePath: string;
  readonly nsenterPath: string;
  readonly nodePath: string;
  readonly initPath: string;
}

/** The same for unshare(1) and nsenter(1). */
const NAMESPACE_FLAG: Readonly<Record<string, string>> = { pid: "--pid", ipc: "--ipc", uts: "--uts", mount: "--mount", network: "--net" };

/**
 * The fallback: unshare(1) makes the namespaces or nsenter(1) enters them, and a program of ours reads the same bundle as an OCI runtime would,
 * sets the tree up by system calls and becomes the process. No control groups.
 */
export class NamespacesRuntime implements JoinableRuntime {
  readonly #namespace: MountNamespace;
  readonly #options: NamespacesRuntimeOptions;

  constructor(namespace: MountNamespace, options: NamespacesRuntimeOptions) {
    this.#namespace = namespace;
    this.#options = options;
  }

  async run(bundle: Bundle, streams: ProcessStreams, signal: AbortSignal): Promise<number> {
    const child = await this.#namespace.spawn({ argv: this.startCommand(bundle), cwd: bundle.folder, env: TOOL_ENVIRONMENT, stdin: streams.input === undefined ? "none" : "pipe" }, signal);
    const exitCode = await follow(child, streams);
    if (!signal.aborted) this.requireStarted(bundle.view);
    return exitCode;
  }

  startCommand(bundle: Bundle): Command {
    const { unsharePath, nsenterPath, nodePath, initPath } = this.#options;
    const made = namespaces(bundle).flatMap(({ type, path }) => (path === undefined ? (NAMESPACE_FLAG[type] ?? []) : []));
    const found = namespaces(bundle).flatMap(({ type, path }) => (path === undefined ? [] : [`${NAMESPACE_FLAG[type]}=${path}`]));
    const enter = found.length === 0 ? [] : [nsenterPath, ...found, "--"];
    // Both are there: the list of what enters may be empty, what unshares never is.
    return [...enter, unsharePath, ...made, "--propagation", "private", "--fork", "--kill-child", "--", nodePath, initPath, bundle.folder] as readonly string[] as Command;
  }

  joinCommand(bundle: Bundle, folder: string, first: number): Command {
    const { nsenterPath, nodePath, initPath } = this.#options;
    // Node is not to be found in the other mount namespace: the program goes there itself.
    const flags = namespaces(bundle).flatMap(({ type }) => (type === "mount" ? [] : (NAMESPACE_FLAG[type] ?? [])));
    return [nsenterPath, "--target", String(first), ...flags, "--", nodePath, initPath, bundle.folder, folder, String(first)];
  }

  requireStarted(view: string): void {
    const path = join(view, START_ERROR_FILE);
    const complaint = existsSync(path) ? readFileSync(path, "utf8") : "the process ended before it was started";
    if (complaint !== "") throw startError(complaint);
  }
}

function namespaces({ view }: Bundle): RuntimeSpec["linux"]["namespaces"] {
  // Written by runtimeSpec a moment ago.
  const spec = JSON.parse(readFileSync(join(view, "config.json"), "utf8")) as RuntimeSpec;
  return spec.linux.namespaces;
}
