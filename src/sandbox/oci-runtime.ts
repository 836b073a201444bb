import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { Bundle } from "./bundle.ts";
import { containerId, removeLeftovers } from "./leftovers.ts";
import { TOOL_ENVIRONMENT, follow } from "./run-to-end.ts";
import { startError } from "./sandbox-error.ts";
import type { SandboxProcess } from "./sandbox.ts";

/** Starts the process of a prepared bundle and waits for its end. */
export interface BundleRuntime {
  /** Resolves with the exit code. After an abort too, once nothing of the process is left. */
  run(bundle: Bundle, onOutput: SandboxProcess["onOutput"], signal: AbortSignal): Promise<number>;
}

export interface OciRuntimeOptions {
  readonly name: "runc" | "crun";
  readonly path: string;
  /** Where the runtime keeps the states of its containers. */
  readonly stateFolder: string;
  readonly rootless: boolean;
}

/** runc or crun, run by the holder. */
export class OciRuntime implements BundleRuntime {
  readonly #namespace: MountNamespace;
  readonly #options: OciRuntimeOptions;

  constructor(namespace: MountNamespace, options: OciRuntimeOptions) {
    this.#namespace = namespace;
    this.#options = options;
  }

  async run(bundle: Bundle, onOutput: SandboxProcess["onOutput"], signal: AbortSignal): Promise<number> {
    const [log, pidFile] = [join(bundle.folder, "log"), join(bundle.folder, "pid")];
    const argv = this.#command("--log", log, "--log-format", "json", "run", "--bundle", bundle.folder, "--pid-file", pidFile, containerId(bundle.id));
    let exitCode: number | undefined;
    try {
      const child = await this.#namespace.spawn({ argv, cwd: bundle.folder, env: TOOL_ENVIRONMENT }, signal);
      exitCode = await follow(child, onOutput);
    } finally {
      // SIGKILL took the runtime with the process, or the helper's end did; nothing that it had made is cleaned up yet.
      if (signal.aborted || exitCode === undefined) await removeLeftovers(this.#options.stateFolder, bundle.id);
    }
    if (!signal.aborted && exitCode !== 0 && !existsSync(pidFile)) throw startError(logMessages(log).at(-1) ?? `${this.#options.name} ended with exit code ${exitCode} before the process was started`);
    return exitCode;
  }

  #command(...args: readonly string[]): readonly [string, ...string[]] {
    const { name, path, stateFolder, rootless } = this.#options;
    const own = name === "runc" ? (rootless ? ["--rootless=true"] : []) : [`--cgroup-manager=${rootless ? "disabled" : "cgroupfs"}`];
    return [path, "--root", stateFolder, ...own, ...args];
  }
}

/** One JSON object per line; crun leaves out the last line's end. */
function logMessages(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").flatMap((line) => {
    const entry = JSON.parse(line) as { readonly level?: string; readonly msg?: string };
    return entry.level === "error" && entry.msg !== undefined ? [entry.msg] : [];
  });
}
