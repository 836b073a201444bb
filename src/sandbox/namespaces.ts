import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
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

/** Beside its caller when run from source; in the bundle, sandbox/NAME.js in the folder that everything is in. */
export function defaultInitPath(moduleUrl: string, name: "tree-init" | "chroot-init" = "tree-init"): string {
  const folder = dirname(fileURLToPath(moduleUrl));
  const places = [join(folder, `${name}.ts`), ...[folder, dirname(folder)].map((root) => join(root, "sandbox", `${name}.js`))];
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`sandbox/${name}.js is missing near ${folder}: the installation is not complete`);
  return found;
}
