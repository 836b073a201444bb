import { execOutput, type ExecStep } from "./exec-vertex.ts";
import { fileOutput, type FileChange } from "./file-vertex.ts";
import { NetMode, SecurityMode } from "./op.ts";
import type { Output, PlatformInit, StepDetails } from "./vertex.ts";

/** A tree, and what the next process in it starts with. Every change gives a new state. */
export interface State {
  /** Undefined for an empty tree. */
  readonly output: Output | undefined;
  /** In the order in which the variables were last set. */
  readonly env: ReadonlyMap<string, string>;
  /** Absolute, with slashes. */
  readonly dir: string;
  readonly user: string;
  readonly hostname: string;
  /** Normalised. Undefined takes that of the definition. */
  readonly platform: PlatformInit | undefined;
  readonly network: NetMode;
}

/** What one run adds to the state that it starts from; the state after it is as before. */
export type RunStep = Omit<ExecStep, "root" | "env" | "dir" | "user" | "hostname" | "network" | "security"> & {
  readonly network?: NetMode | undefined;
  readonly security?: SecurityMode | undefined;
};

export function stateOf(output: Output | undefined, platform?: PlatformInit): State {
  return { output, env: new Map(), dir: "/", user: "", hostname: "", platform, network: NetMode.UNSET };
}

/** A variable that is set again moves to the end. */
export function withEnv(state: State, key: string, value: string): State {
  const env = new Map(state.env);
  env.delete(key);
  env.set(key, value);
  return { ...state, env };
}

export function withRun(state: State, run: RunStep, details: StepDetails): State {
  const { env, dir, user, hostname } = state;
  const { network = state.network, security = SecurityMode.SANDBOX } = run;
  const step: ExecStep = { ...run, root: state.output, env, dir, user, hostname, network, security };
  return { ...state, output: execOutput(step, { ...details, platform: details.platform ?? state.platform }) };
}

export function withChanges(state: State, changes: readonly FileChange[], details: StepDetails): State {
  return { ...state, output: fileOutput({ base: state.output, dir: state.dir, changes }, details) };
}
