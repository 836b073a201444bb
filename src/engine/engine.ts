import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectories } from "../host/make-directories.ts";
import type { Environment } from "../host/environment.ts";
import { NO_NAMESPACE } from "../namespace/no-namespace.ts";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { ReportEvent } from "../progress/event.ts";
import { ChrootSandbox, requireChroot } from "../sandbox/chroot.ts";
import { sweepLeftovers } from "../sandbox/leftovers.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import { openLayerStore } from "../snapshot/disk-layer-store.ts";
import { countUses, heldIds } from "../store/use-counts.ts";
import { openState, type State } from "./state.ts";

/** In a state root. */
export const SANDBOXES = "sandbox";

/** `auto` is the best that there is; a chroot is none, and only taken by name. */
export type SandboxChoice = "auto" | "runc" | "crun" | "namespaces" | "chroot";

export interface EngineOptions {
  readonly root: string;
  /** Where sandboxes have their folders, and where the next engine looks for what a killed one left; undefined: in the root. */
  readonly sandboxes: string | undefined;
  readonly env: Environment;
  readonly sandbox: SandboxChoice;
  readonly report: ReportEvent;
}

/** The machinery of one process over one state root. What needs privilege is opened when it is first needed. */
export interface Engine extends AsyncDisposable {
  readonly state: State;
  readonly layers: LayerStore;
  readonly namespace: () => Promise<MountNamespace>;
  readonly sandbox: () => Promise<Sandbox>;
  /** True where steps run without namespaces and mounts, and not all of them can. */
  readonly withoutNamespaces: boolean;
}

/** The root is made if it is not there. Throws StateVersionError, StateStorageError, or the system's error where it cannot be made. */
export async function openEngine({ root: named, sandboxes, env, sandbox, report }: EngineOptions): Promise<Engine> {
  await using opening = new AsyncDisposableStack();
  const withoutNamespaces = sandbox === "chroot";
  if (withoutNamespaces) requireChroot();
  await makeDirectories(named, 0o700);
  // Runtimes refuse links on the way, and a link would lead out of the mount namespace that we look into.
  const root = await realpath(named);
  // Opened once for all steps; a step that is aborted must not take it from the others.
  const never = new AbortController().signal;
  const namespace = once(async () => {
    if (withoutNamespaces) return NO_NAMESPACE;
    if (closing.disposed) throw new Error("the engine is closed: nothing runs in it any more");
    const started = openMountNamespace({ environment: env }, never);
    // Before it is there: whoever asked may be gone by then, and the engine closed, and its helper would keep this process for ever.
    closing.defer(async () => await (await started.catch(() => undefined))?.[Symbol.asyncDispose]());
    return await started;
  });
  const state = opening.use(await openState(root));
  const layers = opening.use(await openLayerStore({ directory: join(root, "layers"), namespace, snapshotter: withoutNamespaces ? "copy-as-root" : "auto" }));
  opening.defer(() => countUses(state.database, [...layers.used(), ...heldIds(root, state.leases.paths()), ...state.usedCaches]));
  const stateDirectory = sandboxes ?? join(root, SANDBOXES);
  for (const folder of [join(root, "cache-mounts"), stateDirectory]) await mkdir(folder, { recursive: true, mode: 0o711 });
  sweepLeftovers(stateDirectory);
  const closing = opening.move();
  return {
    state,
    layers,
    namespace,
    withoutNamespaces,
    sandbox: once(async () => announced(sandbox === "chroot" ? new ChrootSandbox(stateDirectory) : await openSandbox({ namespace: namespace(), stateDirectory, prefer: sandbox, environment: env }, never), report)),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

const CHROOT_NOTICE =
  "RUN uses the chroot sandbox: no namespaces, no seccomp, no /proc and /sys, the network and the processes of this machine; only for Dockerfiles that you trust as you trust this machine's other programs (this is recorded in the provenance)";

/** A weaker sandbox than people expect must not go unnoticed. */
function announced(sandbox: Sandbox, report: ReportEvent): Sandbox {
  const { runtime, seccomp } = sandbox.isolation;
  if (runtime === "chroot") report({ kind: "notice", message: CHROOT_NOTICE });
  else if (!seccomp) report({ kind: "notice", message: `RUN uses the ${runtime} sandbox without a seccomp filter: install runc or crun for a stronger one (this is recorded in the provenance)` });
  return sandbox;
}

/** One attempt that all callers share; a failed one may be tried again. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}
