import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { Bundle } from "./bundle.ts";
import type { BundleRuntime } from "./oci-runtime.ts";
import { START_ERROR_FILE, TOOL_ENVIRONMENT, follow, type ProcessStreams } from "./run-to-end.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";
import { startError } from "./sandbox-error.ts";

export interface NamespacesRuntimeOptions {
  readonly unsharePath: string;
  readonly nodePath: string;
  readonly initPath: string;
}

const UNSHARE_FLAG: Readonly<Record<string, string>> = { pid: "--pid", ipc: "--ipc", uts: "--uts", mount: "--mount", network: "--net" };

/**
 * The fallback: unshare(1) makes the namespaces, and a program of ours reads the same bundle as an OCI runtime would,
 * sets the tree up by system calls and becomes the process. No control groups.
 */
export class NamespacesRuntime implements BundleRuntime {
  readonly #namespace: MountNamespace;
  readonly #options: NamespacesRuntimeOptions;

  constructor(namespace: MountNamespace, options: NamespacesRuntimeOptions) {
    this.#namespace = namespace;
    this.#options = options;
  }

  async run(bundle: Bundle, streams: ProcessStreams, signal: AbortSignal): Promise<number> {
    const { unsharePath, nodePath, initPath } = this.#options;
    // Written by runtimeSpec a moment ago.
    const spec = JSON.parse(readFileSync(join(bundle.view, "config.json"), "utf8")) as RuntimeSpec;
    const flags = spec.linux.namespaces.flatMap(({ type }) => UNSHARE_FLAG[type] ?? []);
    const argv = [...flags, "--propagation", "private", "--fork", "--kill-child", "--", nodePath, initPath, bundle.folder];
    const child = await this.#namespace.spawn({ argv: [unsharePath, ...argv], cwd: bundle.folder, env: TOOL_ENVIRONMENT, stdin: streams.input === undefined ? "none" : "pipe" }, signal);
    const exitCode = await follow(child, streams);
    const complaint = signal.aborted ? "" : readFileSync(join(bundle.view, START_ERROR_FILE), "utf8");
    if (complaint !== "") throw startError(complaint);
    return exitCode;
  }
}
