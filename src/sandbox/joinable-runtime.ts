import type { Bundle } from "./bundle.ts";
import type { BundleRuntime } from "./oci-runtime.ts";

/** In the folder of a process: its number as counted in the mount namespace's process namespace, once it runs. */
export const PID_FILE = "pid";

/** In the folder of a process that joins: what it is, as in a bundle's config.json. */
export const PROCESS_FILE = "process.json";

export type Command = readonly [string, ...string[]];

/** A runtime whose processes others can join. The commands become the process, or wait for it and end as it does. */
export interface JoinableRuntime extends BundleRuntime {
  /** Starts the process of a bundle, whose folder is then the process's own. */
  startCommand(bundle: Bundle): Command;
  /** Starts one beside it. `folder` lies in the bundle's; `first` is the number of the bundle's process, as in its PID_FILE. */
  joinCommand(bundle: Bundle, folder: string, first: number): Command;
  /** Throws SandboxError where a process that seems to have ended was never started. `view` is its folder, as we reach it. */
  requireStarted(view: string, exitCode: number): void;
}
