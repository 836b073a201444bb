import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { Bundle } from "./bundle.ts";
import { containerId, removeLeftovers } from "./leftovers.ts";
import { TOOL_ENVIRONMENT, follow, type ProcessStreams } from "./run-to-end.ts";
import { startError } from "./sandbox-error.ts";

/** Starts the process of a prepared bundle and waits for its end. */
export interface BundleRuntime {
  /** Resolves with the exit code. After an abort too, once nothing of the process is left. */
  run(bundle: Bundle, streams: ProcessStreams, signal: AbortSignal): Promise<number>;
}

export interface OciRuntimeOptions {
  readonly name: "runc" | "crun";
  readonly path: string;
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

  async run(bundle: Bundle, streams: ProcessStreams, signal: AbortSignal): Promise<number> {
    const inside = (name: string): string => join(bundle.folder, name);
    const argv = this.#command(inside("state"), "--log", inside("log"), "--log-format", "json", "run", "--bundle", bundle.folder, "--pid-file", inside("pid"), containerId(bundle.id));
    let exitCode: number | undefined;
    try {
      const child = await this.#namespace.spawn({ argv, cwd: bundle.folder, env: TOOL_ENVIRONMENT, stdin: streams.input === undefined ? "none" : "pipe" }, signal);
      exitCode = await follow(child, streams);
    } finally {
      // SIGKILL took the runtime with the process, or the helper's end did; nothing that it had made is cleaned up yet.
      if (signal.aborted || exitCode === undefined) await removeLeftovers(bundle.id);
    }
    if (!signal.aborted && exitCode !== 0 && !existsSync(join(bundle.view, "pid"))) throw startError(logMessages(join(bundle.view, "log")).at(-1) ?? `${this.#options.name} ended with exit code ${exitCode} before the process was started`);
    return exitCode;
  }

  /** The state goes with the bundle: crun copies the environment into it. */
  #command(stateFolder: string, ...args: readonly string[]): readonly [string, ...string[]] {
    const { name, path, rootless } = this.#options;
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
