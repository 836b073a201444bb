import { mkdtempSync } from "node:fs";
import { mkdtempDisposable, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../host/environment.ts";
import { findExecutable } from "../host/executable.ts";
import { hostPlatform, type HostPlatform } from "../host/host-platform.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { NamespaceError } from "../namespace/namespace-error.ts";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { emulatedArchitectures } from "../ops/emulated-architectures.ts";
import { runsPrograms } from "../ops/runs-programs.ts";
import { probeSandboxes } from "../sandbox/open-sandbox.ts";
import type { RuntimeReport } from "../sandbox/runtime-choice.ts";
import { overlayRefusal } from "../snapshot/overlay-mount.ts";
import { privilegeIn } from "../snapshot/privilege.ts";
import { removeTree } from "../snapshot/remove-tree.ts";
import type { ResolvedPolicy } from "../upkeep/collection-policy.ts";
import { settingsPath } from "./settings-path.ts";
import { authoritySources, collection, proxyVariables, SCRATCH_PREFIX, settingsFile, stateRoot, type AuthoritySource, type ProxyVariable, type SettingsFile, type StateRoot } from "./surroundings.ts";

export interface DiagnosisRequest {
  /** Directory of state, as a build would be given it; it is not made. */
  readonly root: string;
  readonly env: Environment;
}

/** What a build would find on this machine. Its JSON form is part of the interface: names stay, new ones may come. */
export interface Diagnosis {
  readonly platform: HostPlatform;
  readonly nodeVersion: string;
  /** False where a Dockerfile with RUN cannot be built here; one without may be. */
  readonly canRun: boolean;
  readonly mountNamespace: MountNamespaceReport;
  readonly sandbox: SandboxReport;
  /** How the tree of a RUN comes about. */
  readonly snapshotter: SnapshotterReport;
  /** What RUN has without --network, as BuildKit without CNI. */
  readonly defaultNetwork: "host";
  /** Architectures for which a RUN would go through an emulator. */
  readonly emulated: readonly string[];
  readonly state: StateRoot;
  readonly settings: SettingsFile;
  /** What each build collects at its end, in this order; empty: nothing. */
  readonly collection: readonly ResolvedPolicy[];
  readonly proxies: readonly ProxyVariable[];
  readonly authorities: readonly AuthoritySource[];
  /** Where git is, with which a commit is checked; undefined when it is not installed. */
  readonly git: string | undefined;
}

export type MountNamespaceReport =
  | { readonly kind: "available"; readonly manyIds: boolean }
  | { readonly kind: "unavailable"; readonly reason: string };

export interface SandboxReport {
  readonly chosen: RuntimeReport["runtime"] | undefined;
  /** Best first. */
  readonly runtimes: readonly RuntimeReport[];
}

export type SnapshotterReport =
  | { readonly kind: "overlay" }
  | { readonly kind: "copy"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string };

/** Tries what a build would use, and leaves nothing behind. Throws nothing about what it finds: that is the answer. */
export async function diagnose({ root, env }: DiagnosisRequest, signal: AbortSignal): Promise<Diagnosis> {
  const state = await stateRoot(root);
  const settings = await settingsFile(settingsPath(env));
  const { mountNamespace, sandbox, snapshotter } = await tryMachinery(state, env, signal);
  return {
    platform: hostPlatform(),
    nodeVersion: process.versions.node,
    canRun: sandbox.chosen !== undefined && state.writable,
    mountNamespace,
    sandbox,
    snapshotter,
    defaultNetwork: "host",
    emulated: await emulated(),
    state,
    settings,
    collection: await collection(settings, state),
    proxies: proxyVariables(env),
    authorities: authoritySources(env),
    git: findExecutable("git", env),
  };
}

async function emulated(): Promise<readonly string[]> {
  await using scratch = await mkdtempDisposable(join(tmpdir(), "stemma-emulated-"));
  const runs = runsPrograms({ claim: () => mkdtempSync(join(scratch.path, "try-")), discard: async (path) => await rm(path, { recursive: true }) });
  return await emulatedArchitectures(hostPlatform(), runs);
}

type Machinery = Pick<Diagnosis, "mountNamespace" | "sandbox" | "snapshotter">;

async function tryMachinery(state: StateRoot, env: Environment, signal: AbortSignal): Promise<Machinery> {
  const opened = await openMountNamespace({ environment: env }, signal).catch((error: unknown) => {
    if (error instanceof NamespaceError) return error;
    throw error;
  });
  if (opened instanceof NamespaceError) return withoutNamespace(opened.message);
  await using namespace = opened;
  const runtimes = await probeSandboxes({ namespace, environment: env }, signal);
  return {
    mountNamespace: { kind: "available", manyIds: namespace.manyIds },
    sandbox: { chosen: runtimes.find(({ available }) => available)?.runtime, runtimes },
    snapshotter: await trySnapshotter(namespace, state, signal),
  };
}

function withoutNamespace(reason: string): Machinery {
  const runtimes = (["runc", "crun", "namespaces"] as const).map((runtime) => ({ runtime, available: false, seccomp: false, reason: "needs a mount namespace" }));
  return {
    mountNamespace: { kind: "unavailable", reason },
    sandbox: { chosen: undefined, runtimes },
    snapshotter: { kind: "unknown", reason: "nothing can be mounted without a mount namespace" },
  };
}

/** On the file system that state is on: what overlayfs can do depends on it. */
async function trySnapshotter(namespace: MountNamespace, { nearest, writable }: StateRoot, signal: AbortSignal): Promise<SnapshotterReport> {
  if (!writable) return { kind: "unknown", reason: `${nearest} cannot be written` };
  const scratch = mkdtempSync(join(nearest, SCRATCH_PREFIX));
  try {
    const reason = await overlayRefusal(namespace, scratch, privilegeIn(scratch), signal);
    return reason === undefined ? { kind: "overlay" } : { kind: "copy", reason };
  } finally {
    await removeTree(scratch);
  }
}
