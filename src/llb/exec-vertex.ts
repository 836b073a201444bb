import { compareBytes } from "./encode.ts";
import { LlbError } from "./llb-error.ts";
import { CacheSharingOpt, MountType, NetMode, SecurityMode, type ExecOpSchema, type MessageInitShape, type MountSchema } from "./op.ts";
import { inputIndex, type ComposeContext, type ComposedOp, type InputReference, type Output, type StepDetails, type Vertex } from "./vertex.ts";

/** A process to be run over a tree. */
export interface ExecStep {
  readonly root: Output | undefined;
  readonly args: readonly string[];
  /** In order. */
  readonly env: ReadonlyMap<string, string>;
  readonly dir: string;
  readonly user: string;
  readonly hostname: string;
  readonly network: NetMode;
  readonly security: SecurityMode;
  readonly mounts: readonly ExecMount[];
  readonly secrets: readonly ExecSecret[];
  readonly sshSockets: readonly ExecSsh[];
  readonly devices: ReadonlyArray<{ readonly name: string; readonly optional: boolean }>;
  readonly proxy: MetaInit["proxyEnv"];
  readonly extraHosts: ReadonlyArray<{ readonly Host: string; readonly IP: string }>;
  readonly ulimits: ReadonlyArray<{ readonly Name: string; readonly Soft: bigint; readonly Hard: bigint }>;
  readonly cgroupParent: string;
}

export interface ExecMount {
  readonly target: string;
  /** Undefined for an empty tree. */
  readonly source: Output | undefined;
  /** Subpath of the source; empty for all of it. */
  readonly selector: string;
  readonly use:
    | { readonly kind: "bind"; readonly readonly: boolean; readonly hasOutput: boolean }
    | { readonly kind: "cache"; readonly readonly: boolean; readonly id: string; readonly sharing: "shared" | "private" | "locked" }
    | { readonly kind: "tmpfs"; readonly readonly: boolean; readonly sizeBytes: bigint };
}

export interface ExecSecret {
  readonly id: string;
  /** Where the file goes; undefined for none. */
  readonly target: string | undefined;
  /** Variable that holds the value; undefined for none. */
  readonly env: string | undefined;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly optional: boolean;
}

export interface ExecSsh {
  /** Empty for the default agent. */
  readonly id: string;
  /** Empty for a path of the step's own. */
  readonly target: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly optional: boolean;
}

type ExecInit = MessageInitShape<typeof ExecOpSchema>;
type MetaInit = NonNullable<ExecInit["meta"]>;
type MountInit = MessageInitShape<typeof MountSchema>;

const ROOT = "/";
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SETS_DEFAULT_PATH = "exec.meta.setsdefaultpath";
const SHARING: Readonly<Record<"shared" | "private" | "locked", CacheSharingOpt>> = {
  shared: CacheSharingOpt.SHARED, private: CacheSharingOpt.PRIVATE, locked: CacheSharingOpt.LOCKED,
};

/** The tree at a target as the process left it: the root, or a mount that has an output. */
export function execOutput(step: ExecStep, details: StepDetails, at: string = ROOT): Output {
  const mounts = sortedMounts(step);
  const vertex: Vertex = {
    inputs: () => mounts.flatMap(({ source }) => source ?? []),
    compose: (context) => composeExec(step, mounts, details, context),
  };
  return { vertex: () => vertex, index: () => outputIndexes(mounts).get(mounts.findIndex(({ target }) => target === at)) ?? 0 };
}

function sortedMounts(step: ExecStep): readonly ExecMount[] {
  const root: ExecMount = { target: ROOT, source: step.root, selector: "", use: { kind: "bind", readonly: false, hasOutput: true } };
  return [root, ...step.mounts].toSorted((a, b) => compareBytes(a.target, b.target));
}

/** Position of a mount → which output of the op it is. */
function outputIndexes(mounts: readonly ExecMount[]): ReadonlyMap<number, number> {
  const withOutput = mounts.flatMap(({ use }, at) => (use.kind === "bind" && !use.readonly && use.hasOutput ? [at] : []));
  return new Map(withOutput.map((at, index) => [at, index]));
}

function composeExec(step: ExecStep, mounts: readonly ExecMount[], details: StepDetails, context: ComposeContext): ComposedOp {
  if (step.args.length === 0) throw new LlbError("invalid-definition", "arguments are required");
  const inputs: InputReference[] = [];
  const outputs = outputIndexes(mounts);
  const mountInits = mounts.map((mount, at) => composeMount(mount, inputOf(mount, inputs, context), outputs.get(at)));
  const sockets = step.sshSockets.map((socket, at) => ({ ...socket, target: socket.target === "" ? `/run/buildkit/ssh_agent.${at}` : socket.target }));
  const exec: ExecInit = {
    meta: composeMeta(step, environment(step, sockets, context)),
    mounts: [...mountInits, ...step.secrets.flatMap(composeSecret), ...sockets.map(composeSsh)],
    network: step.network,
    security: step.security,
    secretenv: step.secrets.flatMap(({ id, env, optional }) => (env === undefined ? [] : [{ ID: id, name: env, optional }])),
    cdiDevices: [...step.devices],
  };
  const op = { inputs, platform: details.platform ?? context.platform, constraints: {}, op: { case: "exec" as const, value: exec } };
  return { op, details, capabilities: capabilitiesOf(step, mounts, details, context) };
}

function inputOf({ source }: ExecMount, inputs: InputReference[], context: ComposeContext): number {
  return source?.vertex() === undefined ? -1 : inputIndex(inputs, context.input(source));
}

function composeMount({ target, selector, use }: ExecMount, input: number, output: number | undefined): MountInit {
  const mount = { input: BigInt(input), selector, dest: target, output: BigInt(output ?? -1), readonly: use.readonly };
  switch (use.kind) {
    case "bind":
      return mount;
    case "cache":
      return { ...mount, mountType: MountType.CACHE, cacheOpt: { ID: use.id, sharing: SHARING[use.sharing] } };
    case "tmpfs":
      return { ...mount, mountType: MountType.TMPFS, TmpfsOpt: { size: use.sizeBytes } };
  }
}

function composeSecret({ id, target, uid, gid, mode, optional }: ExecSecret): readonly MountInit[] {
  return target === undefined ? [] : [{ input: -1n, dest: target, mountType: MountType.SECRET, secretOpt: { ID: id, uid, gid, mode, optional } }];
}

function composeSsh({ id, target, uid, gid, mode, optional }: ExecSsh): MountInit {
  return { input: -1n, dest: target, mountType: MountType.SSH, SSHOpt: { ID: id, uid, gid, mode, optional } };
}

function composeMeta(step: ExecStep, env: ReadonlyMap<string, string>): MetaInit {
  return {
    args: [...step.args],
    env: [...env].map(([key, value]) => `${key}=${value}`),
    cwd: step.dir,
    user: step.user,
    hostname: step.hostname,
    cgroupParent: step.cgroupParent,
    removeMountStubsRecursive: true,
    extraHosts: [...step.extraHosts],
    ulimit: [...step.ulimits],
    ...(step.proxy === undefined ? {} : { proxyEnv: step.proxy }),
  };
}

/** What only this process gets: the agent's socket, and a PATH where the solver gives none. */
function environment(step: ExecStep, sockets: readonly ExecSsh[], { capabilities, platform }: ComposeContext): ReadonlyMap<string, string> {
  const env = new Map(step.env);
  const [socket] = sockets;
  if (socket !== undefined && !env.has("SSH_AUTH_SOCK")) env.set("SSH_AUTH_SOCK", socket.target);
  const needsPath = capabilities !== undefined && !capabilities.has(SETS_DEFAULT_PATH) && platform.OS !== "windows";
  if (needsPath && !env.has("PATH")) env.set("PATH", DEFAULT_PATH);
  return env;
}

function capabilitiesOf(step: ExecStep, mounts: readonly ExecMount[], details: StepDetails, { capabilities }: ComposeContext): readonly string[] {
  const uses = mounts.map(({ use }) => use);
  const caches = uses.some(({ kind }) => kind === "cache");
  const tmpfs = uses.filter((use) => use.kind === "tmpfs");
  const rows: ReadonlyArray<readonly [capability: string, used: boolean]> = [
    ["exec.meta.base", true],
    [SETS_DEFAULT_PATH, capabilities?.has(SETS_DEFAULT_PATH) === true],
    ["exec.meta.ulimit", step.ulimits.length > 0],
    ["exec.meta.linux.resources", details.linuxResources !== undefined],
    ["exec.meta.network", step.network !== NetMode.UNSET],
    ["exec.meta.security", step.security === SecurityMode.INSECURE],
    ["exec.meta.proxyenv", step.proxy !== undefined],
    ["exec.meta.cdi", step.devices.length > 0],
    ["exec.mount.selector", mounts.some(({ selector }) => selector !== "")],
    ["exec.mount.cache", caches],
    ["exec.mount.cache.sharing", caches],
    ["exec.mount.tmpfs", tmpfs.length > 0],
    ["exec.mount.tmpfs.size", tmpfs.some(({ sizeBytes }) => sizeBytes > 0n)],
    ["exec.mount.bind", mounts.some(({ use, source }) => use.kind === "bind" && source !== undefined)],
    ["exec.mount.secret", step.secrets.length > 0],
    ["exec.secretenv", step.secrets.some(({ env }) => env !== undefined)],
    ["exec.mount.ssh", step.sshSockets.length > 0],
  ];
  return rows.filter(([, used]) => used).map(([capability]) => capability);
}
