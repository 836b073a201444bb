import { posix } from "node:path";
import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import type { Clock } from "../host/clock.ts";
import { isRoot } from "../host/privilege.ts";
import { message, MountSchema, MountType, SecurityMode, type ExecOp, type LinuxResources, type Meta, type Mount } from "../llb/op.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import type { CdiEdits } from "../sandbox/cdi-spec.ts";
import type { GroupRequest } from "../sandbox/control-group.ts";
import { sandboxDevice } from "../sandbox/sandbox-device.ts";
import { MORE_IDS_ADVICE, SandboxError } from "../sandbox/sandbox-error.ts";
import type { Isolation, NetworkMode, Sandbox, SandboxProcess } from "../sandbox/sandbox.ts";
import { ImageLayer } from "../snapshot/image-layer.ts";
import type { KnownHashes } from "../snapshot/shared-checksum.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Workspace } from "../snapshot/workspace.ts";
import type { CacheMap, Operation } from "../solver/operation.ts";
import type { LayerFacts } from "../store/layer-facts.ts";
import { requireWithoutNamespaces } from "./chroot-limits.ts";
import { deviceEdits, requireEntitled, type Grants } from "./entitlements.ts";
import { ExecMounts, missingSecret, type MountServices } from "./exec-mounts.ts";
import { execSharedMap, isKnownByContent, readsInput } from "./exec-shared.ts";
import { registeredEmulators, requireRunnable } from "./exec-platform.ts";
import { incomplete, OperationError, ProcessExitError, type ProcessExit } from "./operation-error.ts";
import { OutputTail } from "./output-tail.ts";
import type { RunsPrograms } from "./runs-programs.ts";
import { networkOf, openStepNetwork, type OpenStepProxy } from "./step-network.ts";
import { usedContent } from "./used-content.ts";

export interface ExecServices extends Omit<MountServices, "scratchDirectory"> {
  readonly sandbox: () => Promise<Sandbox>;
  /** What steps may ask for; whether they may was looked at before. */
  readonly grants: Grants;
  /** Where a step has its own directory. */
  readonly workspace: Workspace;
  readonly facts: LayerFacts;
  readonly clock: Clock;
  /** For naming files as others do. */
  readonly hashes: KnownHashes;
  /** What this machine runs without help. */
  readonly machine: Platform;
  /** What it runs with or without help. */
  readonly runs: RunsPrograms;
}

/** Who is told of a command while it runs and after. */
export type Told = Pick<SandboxProcess, "onOutput" | "onUsage" | "onMemoryKill">;

/** What is said of one step beside its operation, and is no part of its key. */
export interface StepAside extends Told {
  readonly resources: LinuxResources | undefined;
  /** Undefined: the step reaches the network itself. */
  readonly openProxy: OpenStepProxy | undefined;
}

/** USER as it is written for root. */
const ROOT_NAMES: readonly string[] = ["", "root", "0"];

/** What a command's name is to others on the network: BuildKit's word, since programs write it down. */
export const HOSTNAME_DEFAULT = "buildkitsandbox";

/** What runc and crun end with when they cannot execute the command, and so what BuildKit reports. */
export const NOT_EXECUTED = 1;

/** Throws OperationError for a step that is not allowed, or that cannot be run here; to be asked before anything runs. */
export async function requireStep(op: ExecOp, resources: LinuxResources | undefined, { grants, withoutNamespaces, namespace, sandbox, isProxied }: Pick<ExecServices, "grants" | "withoutNamespaces" | "namespace" | "sandbox"> & { readonly isProxied: boolean }): Promise<void> {
  await requireEntitled(op, grants);
  const group = groupOf(op.meta?.cgroupParent ?? "", resources, await grants.defaultCgroupParent());
  if (withoutNamespaces) return requireWithoutNamespaces(op, { group, isProxied: isProxied && networkOf(op) !== "none" });
  if (group !== undefined) await (await sandbox()).requireGroup(group);
  await requireDevices(await deviceEdits(op, grants), sandbox);
  const [user = ""] = (op.meta?.user ?? "").split(":");
  // Root has all ids; of others only the namespace can tell.
  if (ROOT_NAMES.includes(user) || isRoot() || (await namespace()).manyIds) return;
  throw new SandboxError("user", `a step runs as user ${user}, and only root exists here: ${MORE_IDS_ADVICE}`);
}

async function requireDevices({ hooks, intelRdt, netDevices }: CdiEdits, sandbox: ExecServices["sandbox"]): Promise<void> {
  if (hooks.length === 0 && intelRdt === undefined && netDevices.length === 0) return;
  const found = await sandbox();
  const { runtime } = found.isolation;
  if (hooks.length > 0 && runtime === "namespaces") throw new SandboxError("device", "a device asks for hooks, which the namespaces sandbox does not have: use --sandbox=runc or --sandbox=crun");
  const asked = { intelRdt, netDevices: netDevices[0] };
  const lacking = await found.lacking({ intelRdt: intelRdt?.value, netDevices: netDevices.map(({ value }) => value) }, AbortSignal.timeout(FEATURES_MS_MAX));
  for (const name of lacking) {
    if (asked[name] !== undefined) throw new SandboxError("device", `${asked[name].place}: ${name} is not supported by ${runtime === "namespaces" ? "the namespaces sandbox" : `this ${runtime}`}: ${ADVICE[name]}`);
  }
}

/** A runtime says at once what it can do. */
const FEATURES_MS_MAX = 10_000;

const ADVICE = {
  intelRdt: "use --sandbox=runc, or a newer one",
  netDevices: "use one whose `features` name netDevices",
} as const;

/** RUN: a command on a tree, whose changes become a layer. */
export function execOperation(op: ExecOp, platform: Platform, services: ExecServices, aside: StepAside): Operation<LayerChain> {
  return {
    cacheMap: async () => ({ ...execCacheMap(op, formatPlatform(platform)), shared: () => execSharedMap(op, platform, services.hashes) }),
    prepare() {
      // Who executes the step meets the failure there.
      services.sandbox().catch(() => undefined);
    },
    async gather(inputs, signal) {
      // What cannot run here at all is not fetched for.
      await requireRunnable(platform, { ...services, emulators: registeredEmulators });
      const mounted = new Set(op.mounts.flatMap((mount) => (mount.mountType === MountType.BIND && readsInput(mount) ? (inputs[Number(mount.input)] ?? []) : [])));
      await Promise.all([...mounted].map(async (layer) => (layer instanceof ImageLayer ? await layer.present(signal, "tree") : layer)));
    },
    async execute(inputs, signal) {
      const hint = await requireRunnable(platform, { ...services, emulators: registeredEmulators });
      return await execute(op, inputs, { services, aside, hint }, signal);
    },
  };
}

/**
 * The key covers the command, its environment and how things are mounted. It leaves out what a
 * result must not depend on: proxies, the content of secrets and caches, and where in an input
 * lies what is read of it: that is keyed by its content.
 */
export function execCacheMap(op: ExecOp, platform: string): Omit<CacheMap<LayerChain>, "shared"> {
  const { proxyEnv: _, $typeName: __, ...meta } = op.meta ?? emptyMeta();
  const inputCount = Math.max(-1, ...op.mounts.map((mount) => Number(mount.input))) + 1;
  const contentOf = Array.from({ length: inputCount }, (_unused, i) => contentOfInput(op.mounts.filter((mount) => Number(mount.input) === i)));
  const mounts = op.mounts.map((mount) => ({ ...mount, selector: contentOf[Number(mount.input)] === undefined ? mount.selector : "" }));
  const devices = op.cdiDevices.length === 0 ? [] : [op.cdiDevices];
  const digest = digestOf(Buffer.from(canonicalJson(["exec", platform, meta, mounts, op.network, op.security, op.secretenv, ...devices])));
  return { digest, contentOf, reusable: true };
}

/** A tree that a step only reads, or whose changes nobody gets, counts by what is used of it; one that becomes a result counts whole. */
function keyedByContent(mount: Mount): boolean {
  return readsInput(mount) && mount.output < 0n && isKnownByContent(mount);
}

function contentOfInput(mounts: readonly Mount[]): ((input: LayerChain, signal: AbortSignal) => Promise<Digest>) | undefined {
  if (mounts.length === 0 || !mounts.every(keyedByContent)) return undefined;
  return usedContent(mounts.map((mount) => ({ path: mount.selector, followLinks: true, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [] })));
}

interface Execution {
  readonly services: ExecServices;
  readonly aside: StepAside;
  /** What is to be said of a command that could not be executed. */
  readonly hint: string | undefined;
}

async function execute(op: ExecOp, inputs: readonly LayerChain[], { services, aside, hint }: Execution, signal: AbortSignal): Promise<LayerChain[]> {
  const meta = op.meta ?? emptyMeta();
  const edits = await deviceEdits(op, services.grants);
  const secrets = await secretEnvironment(op, services, signal);
  await using scratch = scratchDirectory(services.workspace);
  await using mounts = new ExecMounts({ ...services, scratchDirectory: scratch.path });

  await mounts.add(op.mounts.map((mount) => placedIn(meta.cwd, mount)), inputs, signal);
  const tail = new OutputTail();
  let outOfMemory = false;
  const onOutput: StepAside["onOutput"] = (stream, chunk) => {
    tail.add(chunk);
    aside.onOutput(stream, chunk);
  };
  const sandbox = await services.sandbox();
  const env = [...meta.env, ...proxyEnvironment(meta), ...secrets, ...edits.env];
  await using network = await openStepNetwork({ network: op.network, env, root: mounts.root, directory: scratch.path }, aside.openProxy, signal);
  const process = sandboxProcess(op, meta, { network: network.mode, env: network.environment(env), mounts: mounts.sandboxMounts, edits, defaultCgroupParent: await services.grants.defaultCgroupParent() }, { ...aside, onOutput, onMemoryKill: () => void (outOfMemory = true) });
  const exitCode = await sandbox.run(process, mounts.root, signal).catch((error: unknown) => {
    if (!(error instanceof SandboxError)) throw error;
    // What the machine or its flags do not allow is no failure of this command.
    if (!["user", "path", "start", "command"].includes(error.code)) throw error;
    if (error.code !== "command") throw new SandboxError(error.code, `${incomplete(meta.args)}: ${error.message}`, { cause: error });
    throw new ProcessExitError({ argv: meta.args, exitCode: NOT_EXECUTED, outputTail: tail.text(), cause: hint === undefined ? error : new SandboxError("command", hint, { cause: error }) });
  });
  const seen = await network.finish();
  if (seen !== undefined && seen.lines !== "") onOutput("stderr", Buffer.from(seen.lines));
  if (!allowed(meta).includes(exitCode)) throw failedStep({ argv: meta.args, exitCode, outputTail: tail.text(), outOfMemory }, hint);
  const chains = await mounts.commit(signal);
  for (const layer of chains.flatMap((chain) => chain.at(-1) ?? [])) {
    services.facts.saveCreated(layer.id, services.clock.nowNs());
    // A later build that takes the layer out of the cache must still be able to tell.
    services.facts.saveOrigin(layer.id, JSON.stringify(isolationOf(op, sandbox)));
    if (seen !== undefined) services.facts.saveRequests(layer.id, JSON.stringify(seen.requests));
  }
  return chains;
}

/** What has no absolute place is where the command starts, as BuildKit has it. */
function placedIn(cwd: string, mount: Mount): Mount {
  return posix.isAbsolute(mount.dest) ? mount : message(MountSchema, { ...mount, dest: posix.join("/", cwd, mount.dest) });
}

/** Some runtimes start a command and leave it to the kernel, which says of an interpreter that lacks what it would say of the command. */
function failedStep(exit: ProcessExit, hint: string | undefined): ProcessExitError {
  const isLacking = hint !== undefined && exit.exitCode === NOT_EXECUTED && /no such file or directory/i.test(exit.outputTail);
  return new ProcessExitError(isLacking ? { ...exit, cause: new SandboxError("command", hint) } : exit);
}

/** What a step gets beside what its instruction says. */
interface Added {
  readonly network: NetworkMode;
  readonly env: readonly string[];
  readonly mounts: SandboxProcess["mounts"];
  readonly edits: CdiEdits;
  readonly defaultCgroupParent: string;
}

function sandboxProcess(op: ExecOp, meta: Meta, added: Added, { resources, onOutput, onUsage, onMemoryKill }: StepAside): SandboxProcess {
  const [command, ...args] = meta.args;
  if (command === undefined) throw new OperationError("unsupported", "the graph has a command without a program");
  return {
    argv: [command, ...args],
    env: added.env,
    cwd: meta.cwd,
    user: meta.user,
    network: added.network,
    hostname: meta.hostname === "" ? HOSTNAME_DEFAULT : meta.hostname,
    extraHosts: meta.extraHosts.map(({ Host, IP }) => ({ host: Host, ip: IP })),
    mounts: [...added.mounts, ...added.edits.mounts.map((mount) => ({ kind: "bind" as const, ...mount }))],
    devices: added.edits.devices.map(sandboxDevice),
    hooks: added.edits.hooks,
    intelRdt: added.edits.intelRdt?.value,
    netDevices: added.edits.netDevices.map(({ value }) => value),
    additionalGroups: added.edits.additionalGids,
    insecure: isInsecure(op),
    limits: meta.ulimit.map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    group: groupOf(meta.cgroupParent, resources, added.defaultCgroupParent),
    readOnlyRoot: op.mounts.some((mount) => mount.dest === "/" && mount.readonly),
    input: undefined,
    onOutput,
    onUsage,
    ...(onMemoryKill === undefined ? {} : { onMemoryKill }),
  };
}

function allowed(meta: Meta): readonly number[] {
  return meta.validExitCodes.length === 0 ? [0] : meta.validExitCodes;
}

/** Both spellings, since programs disagree on which they read. A variable that the step sets itself stays. */
function proxyEnvironment({ proxyEnv, env }: Meta): string[] {
  if (proxyEnv === undefined) return [];
  const names = new Set(env.map((line) => line.slice(0, line.indexOf("="))));
  const pairs = [["HTTP_PROXY", proxyEnv.httpProxy], ["HTTPS_PROXY", proxyEnv.httpsProxy], ["FTP_PROXY", proxyEnv.ftpProxy], ["NO_PROXY", proxyEnv.noProxy], ["ALL_PROXY", proxyEnv.allProxy]] as const;
  return pairs
    .filter(([, value]) => value !== "")
    .flatMap(([name, value]) => [name, name.toLowerCase()].filter((each) => !names.has(each)).map((each) => `${each}=${value}`));
}

export async function secretEnvironment(op: ExecOp, { session }: Pick<ExecServices, "session">, signal: AbortSignal): Promise<string[]> {
  const lines: string[] = [];
  for (const { ID, name, optional } of op.secretenv) {
    const secret = await session.secret(ID, signal);
    if (secret !== undefined) lines.push(`${name}=${Buffer.from(secret).toString("utf8")}`);
    else if (!optional) throw missingSecret(ID);
  }
  return lines;
}

/** `own`: the parent that the step names; empty where it names none. */
export function groupOf(own: string, resources: LinuxResources | undefined, defaultParent: string): GroupRequest | undefined {
  const parent = own === "" ? defaultParent : own;
  return parent === "" && resources === undefined ? undefined : { parent, namedBy: own === "" && defaultParent !== "" ? "defaultCgroupParent" : "--cgroup-parent", limits: resources };
}

function isInsecure(op: ExecOp): boolean {
  return op.security === SecurityMode.INSECURE;
}

/** Of one step: without the sandbox's limits there is no filter, whatever the sandbox has. */
export function isolationOf(op: ExecOp, { isolation }: Sandbox): Isolation {
  return { ...isolation, seccomp: isolation.seccomp && !isInsecure(op) };
}

export function scratchDirectory(workspace: Workspace): { readonly path: string } & AsyncDisposable {
  const path = workspace.claim();
  return { path, [Symbol.asyncDispose]: () => workspace.discard(path) };
}

function emptyMeta(): Meta {
  throw new OperationError("unsupported", "the graph has a command without its meta data");
}
