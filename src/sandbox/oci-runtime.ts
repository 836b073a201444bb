import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { Bundle } from "./bundle.ts";
import { TOOL_ENVIRONMENT, follow, runToEnd } from "./run-to-end.ts";
import { SandboxError } from "./sandbox-error.ts";
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
    const child = await this.#namespace.spawn({ argv, cwd: bundle.folder, env: TOOL_ENVIRONMENT }, signal);
    const exitCode = await follow(child, onOutput);
    if (signal.aborted) await deleteContainer(this.#namespace, this.#command(), bundle.id);
    else if (exitCode !== 0 && !existsSync(pidFile)) throw startError(this.#options.name, log, exitCode);
    return exitCode;
  }

  #command(...args: readonly string[]): readonly [string, ...string[]] {
    const { name, path, stateFolder, rootless } = this.#options;
    const own = name === "runc" ? (rootless ? ["--rootless=true"] : []) : [`--cgroup-manager=${rootless ? "disabled" : "cgroupfs"}`];
    return [path, "--root", stateFolder, ...own, ...args];
  }
}

/** Also the name of its control group. */
export function containerId(bundleId: string): string {
  return `stemma-${bundleId}`;
}

/** A runtime that was killed could not clean up: its state and control group go now. */
export async function deleteContainer(namespace: MountNamespace, command: readonly [string, ...string[]], bundleId: string): Promise<void> {
  // It was perhaps killed before there was anything; then this says so, and all is well.
  await runToEnd(namespace, [...command, "delete", "--force", containerId(bundleId)], new AbortController().signal);
}

function startError(runtime: string, log: string, exitCode: number): SandboxError {
  const message = logMessages(log).at(-1) ?? `${runtime} ended with exit code ${exitCode} before the process was started`;
  return new SandboxError("start", message);
}

/** One JSON object per line; crun leaves out the last line's end. */
function logMessages(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").flatMap((line) => {
    const entry = JSON.parse(line) as { readonly level?: string; readonly msg?: string };
    return entry.level === "error" && entry.msg !== undefined ? [entry.msg] : [];
  });
}
