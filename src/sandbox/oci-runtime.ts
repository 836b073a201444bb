import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { Bundle } from "./bundle.ts";
import { PID_FILE, PROCESS_FILE, type Command, type JoinableRuntime } from "./joinable-runtime.ts";
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

const LOG_FILE = "log";

/** runc or crun, run by the holder. */
export class OciRuntime implements JoinableRuntime {
  readonly #namespace: MountNamespace;
  readonly #options: OciRuntimeOptions;

  constructor(namespace: MountNamespace, options: OciRuntimeOptions) {
    this.#namespace = namespace;
    this.#options = options;
  }

  async run(bundle: Bundle, streams: ProcessStreams, signal: AbortSignal): Promise<number> {
    let exitCode: number | undefined;
    try {
      const child = await this.#namespace.spawn({ argv: this.startCommand(bundle), cwd: bundle.folder, env: TOOL_ENVIRONMENT, stdin: streams.input === undefined ? "none" : "pipe" }, signal);
      exitCode = await follow(child, streams);
    } finally {
      // SIGKILL took the runtime with the process, or the helper's end did; nothing that it had made is cleaned up yet.
      if (signal.aborted || exitCode === undefined) await removeLeftovers(bundle);
    }
    if (!signal.aborted) this.requireStarted(bundle.view, exitCode);
    return exitCode;
  }

  startCommand({ id, folder }: Bundle): Command {
    return this.#command(folder, folder, "run", "--bundle", folder, "--pid-file", join(folder, PID_FILE), containerId(id));
  }

  joinCommand({ id, folder }: Bundle, own: string): Command {
    return this.#command(folder, own, "exec", "--process", join(own, PROCESS_FILE), "--pid-file", join(own, PID_FILE), containerId(id));
  }

  requireStarted(view: string, exitCode: number): void {
    if (exitCode === 0 || existsSync(join(view, PID_FILE))) return;
    throw startError(logMessages(join(view, LOG_FILE)).at(-1) ?? `${this.#options.name} ended with exit code ${exitCode} before the process was started`);
  }

  /** The state goes with the bundle: crun copies the environment into it. */
  #command(bundleFolder: string, logFolder: string, ...args: readonly string[]): Command {
    const { name, path, rootless } = this.#options;
    const own = name === "runc" ? (rootless ? ["--rootless=true"] : []) : [`--cgroup-manager=${rootless ? "disabled" : "cgroupfs"}`];
    // crun takes what stands before a colon for a kind of log.
    const log = `${name === "crun" ? "file:" : ""}${join(logFolder, LOG_FILE)}`;
    return [path, "--root", join(bundleFolder, "state"), ...own, "--log", log, "--log-format", "json", ...args];
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
