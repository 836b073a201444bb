import { mkdirSync } from "node:fs";
import { join } from "node:path/posix";
import { setTimeout as sleep } from "node:timers/promises";
import type { Environment } from "../host/environment.ts";
import { findExecutable, nodeExecutable } from "../host/executable.ts";
import { ownProgram } from "../host/own-program.ts";
import { runProcess } from "../host/process.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { MountedTree } from "../snapshot/layer-store.ts";
import { newBundleId, prepareBundle, type Bundle, type BundlePlace } from "./bundle.ts";
import { BundleContainer } from "./bundle-container.ts";
import { groupFlags, groupParent, groupProblem, type GroupRequest } from "./control-group.ts";
import { groupGround, makeGroup, PROCESS_GROUP } from "./group-folders.ts";
import type { JoinableRuntime } from "./joinable-runtime.ts";
import { containerId, OWNER_LOCK, removeLeftovers, sweepLeftovers } from "./leftovers.ts";
import { NamespacesRuntime } from "./namespaces.ts";
import { OciRuntime } from "./oci-runtime.ts";
import { OCI_RUNTIMES, reportRuntimes, type RuntimeName, type RuntimeReport, type RuntimeVersions } from "./runtime-choice.ts";
import type { SandboxGround } from "./runtime-spec.ts";
import { SandboxError } from "./sandbox-error.ts";
import { askFeatures, lackingExtras } from "./runtime-features.ts";
import type { Isolation, RuntimeExtras, Sandbox, SandboxContainer, SandboxProcess, Surroundings } from "./sandbox.ts";
import { seccompProfile } from "./seccomp-profile.ts";
import { boundingCapabilities, CGROUP_ROOT, HYBRID_TREE, surveyGround, type Survey } from "./survey-ground.ts";
import { readMemoryKills } from "./usage/group-usage.ts";
import { measureStep } from "./usage/measure-step.ts";

export interface SandboxOptions {
  /** It may be on its way. */
  readonly namespace: MountNamespace | Promise<MountNamespace>;
  /** An absolute path, for our use only; several processes may share it. */
  readonly stateDirectory: string;
  readonly prefer: "auto" | RuntimeName;
  /** Only PATH is read: where runc and crun are looked for. */
  readonly environment: Environment;
  readonly nodePath?: string;
  /** The program that sets up the `namespaces` sandbox; found beside the module when not given. */
  readonly initPath?: string;
}

/** The best sandbox there is, or the one asked for. Throws SandboxError `unavailable` with the reasons when it cannot be had. */
export async function openSandbox(options: SandboxOptions, signal: AbortSignal): Promise<Sandbox> {
  const { survey, namespace, reports } = await askAsNeeded(options, signal);
  const wanted = options.prefer === "auto" ? reports : reports.filter((report) => report.runtime === options.prefer);
  const chosen = wanted.find((report) => report.available);
  if (chosen === undefined) throw new SandboxError("unavailable", wanted.map((report) => report.reason).join("; "));
  mkdirSync(options.stateDirectory, { recursive: true, mode: 0o711 });
  sweepLeftovers(options.stateDirectory);
  if (chosen.runtime !== "namespaces") await arrangeGroups(chosen.runtime, { namespace, survey }, signal);
  const runtime = startRuntime(chosen.runtime, options, { namespace, survey });
  return new BundleSandbox(runtime, { namespace, folder: options.stateDirectory }, { survey, chosen, environment: options.environment });
}

/** What each runtime is good for on this machine, best first, with the reason where it cannot be used. */
export async function probeSandboxes({ namespace, environment }: Pick<SandboxOptions, "namespace" | "environment">, signal: AbortSignal): Promise<readonly RuntimeReport[]> {
  const versions = await askVersions(OCI_RUNTIMES, environment, signal);
  return reportRuntimes(surveyGround(await namespace), versions);
}

/** The question for a version is a process: none is started for what is not taken. */
async function askAsNeeded({ namespace: opening, prefer, environment }: SandboxOptions, signal: AbortSignal): Promise<{ readonly namespace: MountNamespace; readonly survey: Survey; readonly reports: readonly RuntimeReport[] }> {
  const wanted = OCI_RUNTIMES.filter((name) => (prefer === "auto" || prefer === name) && findExecutable(name, environment) !== undefined);
  // To start a process holds up a large one for some 25 ms, and the namespace's has just been started: the event loop turns in between.
  const asking = sleep(0).then(() => askVersions(wanted.slice(0, 1), environment, signal));
  const [namespace, versions] = await Promise.all([opening, asking]);
  const survey = surveyGround(namespace);
  const reports = reportRuntimes(survey, versions);
  const [best] = reports;
  if (wanted.length < 2 || (best?.available === true && best.seccomp === survey.seccomp)) return { namespace, survey, reports };
  return { namespace, survey, reports: reportRuntimes(survey, { ...versions, ...(await askVersions(wanted.slice(1), environment, signal)) }) };
}

/** Where bundles are made. */
type BundlesPlace = Omit<BundlePlace, "ground">;

class BundleSandbox implements Sandbox {
  readonly isolation: Isolation;
  readonly #runtime: JoinableRuntime;
  readonly #place: BundlesPlace;
  readonly #survey: Survey;
  readonly #environment: Environment;
  readonly #capabilities: readonly string[];

  constructor(runtime: JoinableRuntime, place: BundlesPlace, found: { readonly survey: Survey; readonly chosen: RuntimeReport; readonly environment: Environment }) {
    this.#runtime = runtime;
    this.#place = place;
    this.#survey = found.survey;
    this.#environment = found.environment;
    this.#capabilities = boundingCapabilities(place.namespace);
    const profile = seccompProfile(process.arch);
    this.isolation = { runtime: found.chosen.runtime, seccomp: found.chosen.seccomp && profile !== undefined, rootless: found.survey.rootless };
  }

  async requireGroup(asked: GroupRequest): Promise<void> {
    const group = this.#possible(asked);
    if (group === undefined) return;
    const version = this.#cgroupVersion();
    const problem = version === undefined ? this.#withoutGroups(group) : groupProblem(group, groupGround(version, group));
    if (problem !== undefined) throw new SandboxError("limits", problem);
    // Only the kernel knows what may be made where.
    await using _trial = makeGroup(join(groupParent(group), containerId(newBundleId())), undefined, group.namedBy);
  }

  async lacking(extras: RuntimeExtras, signal: AbortSignal): Promise<ReadonlyArray<keyof RuntimeExtras>> {
    const { runtime } = this.isolation;
    if (runtime !== "runc" && runtime !== "crun") return ["intelRdt", "netDevices"];
    return lackingExtras(extras, runtime, await askFeatures(findExecutable(runtime, this.#environment) ?? runtime, signal));
  }

  async run(asked: SandboxProcess, root: MountedTree, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const step = { ...asked, group: this.#possible(asked.group) };
    if (step.group !== undefined) await this.requireGroup(step.group);
    await using bundle = await prepareBundle({ ...step, terminal: false }, root, { ...this.#place, ground: (id) => this.#ground(id, step) }, signal);
    await using _group = step.group === undefined ? undefined : makeGroup(bundle.ground.cgroup?.own ?? "", join(bundle.folder, OWNER_LOCK), step.group.namedBy);
    const exitCode = await this.#measured(bundle, step, signal);
    signal.throwIfAborted();
    return exitCode;
  }

  open(surroundings: Surroundings, root: MountedTree): SandboxContainer {
    const group = this.#possible(surroundings.group);
    return new BundleContainer({ ...surroundings, group }, root, { ...this.#place, ground: (id) => this.#ground(id, { onUsage: undefined, group }), runtime: this.#runtime });
  }

  async #measured(bundle: Bundle, step: SandboxProcess, signal: AbortSignal): Promise<number> {
    const { cgroup } = bundle.ground;
    if (cgroup === undefined || cgroup.own === cgroup.path) return await this.#runtime.run(bundle, step, signal);
    try {
      const measured = { version: cgroup.version, root: CGROUP_ROOT, path: cgroup.own };
      using measurement = step.onUsage === undefined ? undefined : await measureStep(measured);
      const exitCode = await this.#runtime.run(bundle, step, signal);
      if (signal.aborted) return exitCode;
      if (measurement !== undefined) step.onUsage?.(await measurement.finish());
      if (exitCode !== 0 && (await readMemoryKills(measured)) > 0) step.onMemoryKill?.();
      return exitCode;
    } finally {
      await removeLeftovers(bundle);
    }
  }

  #cgroupVersion(): 1 | 2 | undefined {
    const { rootless, cgroups } = this.#survey;
    if (this.isolation.runtime === "namespaces" || rootless) return undefined;
    return cgroups === "v2" ? 2 : 1;
  }

  /** Without rights over control groups, as in BuildKit, what the settings name as the parent of all does not count. */
  #possible(group: GroupRequest | undefined): GroupRequest | undefined {
    if (group?.namedBy !== "defaultCgroupParent" || !this.#survey.rootless) return group;
    return group.limits === undefined ? undefined : { ...group, parent: "" };
  }

  #withoutGroups(group: GroupRequest): string {
    const { rootless, cgroups } = this.#survey;
    const what = `${groupFlags(group).join(", ")}: no step can be held to it here`;
    if (rootless) return `${what}, since control groups are root's: build as root, or leave it out`;
    if (cgroups === "none" || cgroups === "read-only") return `${what}, since /sys/fs/cgroup ${cgroups === "none" ? "has no control groups" : "is read-only"}: mount it for writing, or leave it out`;
    return `${what}, since the namespaces sandbox has no control groups: build with runc or crun installed and --sandbox=auto, or leave it out`;
  }

  #ground(bundleId: string, { onUsage, onMemoryKill, group }: Pick<SandboxProcess, "onUsage" | "onMemoryKill" | "group">): SandboxGround {
    const { rootless, manyIds } = this.#survey;
    const version = this.#cgroupVersion();
    const own = join(group === undefined ? "/" : groupParent(group), containerId(bundleId));
    // Around the process's own, which its runtime takes away with it. Version 1 counts for each group alone, and so not in this one who was killed in that.
    const isAround = onUsage !== undefined || group !== undefined || (onMemoryKill !== undefined && version === 2);
    return {
      rootless,
      manyIds,
      capabilities: this.#capabilities,
      cgroup: version === undefined ? undefined : { version, own, path: isAround ? join(own, PROCESS_GROUP) : own },
      seccomp: this.isolation.seccomp ? seccompProfile(process.arch) : undefined,
    };
  }
}

interface Found {
  readonly namespace: MountNamespace;
  readonly survey: Survey;
}

/** As the runtime needs to find them, in our own mount namespace alone. */
async function arrangeGroups(name: "runc" | "crun", { namespace, survey }: Found, signal: AbortSignal): Promise<void> {
  // crun then sees version 1 alone, which it can work with.
  if (name === "crun" && survey.cgroups === "hybrid") await namespace.unmount(HYBRID_TREE);
  // Where a user may make control groups, runc makes one beside the one that the build is in, out of reach of its limits, and left when runc is killed.
  if (name === "runc" && survey.rootless && survey.cgroups === "v2") await namespace.mount({ type: "bind", source: CGROUP_ROOT, target: CGROUP_ROOT, readOnly: true, data: "" }, signal);
}

function startRuntime(name: RuntimeName, options: SandboxOptions, { namespace, survey }: Found): JoinableRuntime {
  const { environment } = options;
  if (name === "namespaces") {
    const unsharePath = findExecutable("unshare", environment) ?? "unshare";
    const initPath = options.initPath ?? ownProgram(import.meta.url, "sandbox/tree-init");
    const nsenterPath = findExecutable("nsenter", environment) ?? "nsenter";
    return new NamespacesRuntime(namespace, { unsharePath, nsenterPath, nodePath: options.nodePath ?? nodeExecutable(), initPath });
  }
  return new OciRuntime(namespace, {
    name,
    path: findExecutable(name, environment) ?? name,
    rootless: survey.rootless,
  });
}

async function askVersions(names: ReadonlyArray<keyof RuntimeVersions>, environment: Environment, signal: AbortSignal): Promise<RuntimeVersions> {
  const answers = await Promise.all(names.map(async (name) => [name, await askVersion(name, environment, signal)] as const));
  return Object.fromEntries(answers);
}

async function askVersion(name: string, environment: Environment, signal: AbortSignal): Promise<string | undefined> {
  const path = findExecutable(name, environment);
  if (path === undefined) return undefined;
  const { exitCode, stdout } = await runProcess({ argv: [path, "--version"], env: {} }, signal);
  return exitCode === 0 ? stdout.toString("utf8") : undefined;
}
