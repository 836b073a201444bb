import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path/posix";
import { nodeExecutable } from "../host/executable.ts";
import { ownProgram } from "../host/own-program.ts";
import { startProcess } from "../host/process.ts";
import { NO_NAMESPACE } from "../namespace/no-namespace.ts";
import type { MountedTree } from "../snapshot/layer-store.ts";
import { capabilityNames } from "../syscall/privilege.ts";
import { prepareBundle, type Bundle } from "./bundle.ts";
import type { BundleRuntime } from "./oci-runtime.ts";
import { placeMounts } from "./placed-mounts.ts";
import { follow, START_ERROR_FILE, TOOL_ENVIRONMENT, type ProcessStreams } from "./run-to-end.ts";
import type { RuntimeSpec, SandboxGround } from "./runtime-spec.ts";
import { SandboxError, startError } from "./sandbox-error.ts";
import type { Isolation, Sandbox, RuntimeExtras, SandboxContainer, SandboxProcess } from "./sandbox.ts";

/** Without which nothing of it works; the others that a process may have, it has where we do. */
const NEEDED: readonly string[] = ["CAP_SYS_CHROOT", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"];

/** Throws SandboxError ("unavailable") with what is missing. Looked at before a build begins. */
export function requireChroot(): void {
  const held = capabilityNames(/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0");
  const missing = NEEDED.filter((name) => !held.includes(name));
  if (process.geteuid?.() === 0 && missing.length === 0) return;
  throw new SandboxError("unavailable", `the chroot sandbox needs root with what containers have by default; missing: ${process.geteuid?.() === 0 ? missing.join(", ") : "root"}`);
}

/** Runs steps with another root directory, and nothing else between them and the machine: for a container that may have no namespaces. */
export class ChrootSandbox implements Sandbox {
  readonly isolation: Isolation = { runtime: "chroot", seccomp: false, rootless: false };
  readonly #folder: string;
  readonly #runtime: BundleRuntime = new ChrootRuntime();

  /** `folder` is as other sandboxes' state directory, on the file system of the layers. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  requireGroup(): Promise<void> {
    return Promise.reject(new SandboxError("limits", "the chroot sandbox has no control groups; build with another --sandbox"));
  }

  async lacking(): Promise<ReadonlyArray<keyof RuntimeExtras>> {
    return ["intelRdt", "netDevices"];
  }

  async run(step: SandboxProcess, root: MountedTree, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const ground: SandboxGround = { rootless: false, manyIds: true, capabilities: [], cgroup: undefined, seccomp: undefined };
    await using bundle = await prepareBundle({ ...step, terminal: false }, root, { namespace: NO_NAMESPACE, folder: this.#folder, ground: () => ground }, signal);
    const exitCode = await this.#runtime.run(bundle, step, signal);
    signal.throwIfAborted();
    return exitCode;
  }

  open(): SandboxContainer {
    throw new SandboxError("unavailable", "in the chroot sandbox no process can join another: nothing holds them together; build with another --sandbox");
  }
}

class ChrootRuntime implements BundleRuntime {
  async run(bundle: Bundle, streams: ProcessStreams, signal: AbortSignal): Promise<number> {
    // Written by runtimeSpec a moment ago.
    const spec = JSON.parse(readFileSync(join(bundle.view, "config.json"), "utf8")) as RuntimeSpec;
    await using _placed = await placeMounts(spec, bundle.folder, signal);
    const argv = [nodeExecutable(), ownProgram(import.meta.url, "sandbox/chroot-init"), "supervise", bundle.folder] as const;
    const child = startProcess({ argv: [...argv], cwd: "/", env: TOOL_ENVIRONMENT, detached: true }, [streams.input === undefined ? "ignore" : "pipe", "pipe", "pipe", "pipe"]);
    const cut = (): void => void child.stdio[3]?.destroy();
    signal.addEventListener("abort", cut);
    try {
      const exited = new Promise<number>((resolve, reject) => {
        child.once("error", reject).once("exit", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
      });
      const { stdin, stdout, stderr } = child;
      if (stdout === null || stderr === null) throw startError("the process has no output");
      const exitCode = await follow({ stdin: stdin ?? undefined, stdout, stderr, exited }, streams);
      const complaint = signal.aborted ? "" : readFileSync(join(bundle.view, START_ERROR_FILE), "utf8");
      if (complaint !== "") throw startError(complaint);
      return exitCode;
    } finally {
      signal.removeEventListener("abort", cut);
    }
  }
}
