import { posix } from "node:path";
import type { GroupLimits } from "./control-group.ts";
import { hostnameOf } from "./hosts-file.ts";
import type { SandboxDevice } from "./sandbox-device.ts";
import { AUTHORITIES_PATH, HOOK_KINDS, type IntelRdt, type RuntimeExtras, type SandboxCommand, type SandboxHook, type SandboxMount, type Surroundings } from "./sandbox.ts";
import type { SeccompProfile } from "./seccomp-profile.ts";
import type { TreeUser } from "./tree-user.ts";

/** The parts of the OCI runtime specification 1.0.2 that we write: `config.json` of a bundle. */
export interface RuntimeSpec {
  readonly ociVersion: string;
  readonly process: ProcessSpec;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname: string;
  readonly mounts: readonly SpecMount[];
  readonly hooks?: Readonly<Partial<Record<SandboxHook["kind"], readonly HookSpec[]>>>;
  /** For our own runtime: nodes of any device may be opened. */
  readonly annotations?: Readonly<Record<typeof ALL_DEVICES, "true">>;
  readonly linux: {
    readonly namespaces: ReadonlyArray<{ readonly type: string; readonly path?: string }>;
    readonly maskedPaths: readonly string[];
    readonly readonlyPaths: readonly string[];
    readonly cgroupsPath?: string;
    readonly devices?: ReadonlyArray<{ readonly path: string; readonly type: "b" | "c"; readonly major: number; readonly minor: number; readonly fileMode: number; readonly uid: number; readonly gid: number }>;
    readonly resources?: { readonly devices: readonly DeviceRule[] } & LimitsSpec;
    readonly seccomp?: SeccompProfile;
    readonly intelRdt?: IntelRdt;
    readonly netDevices?: Readonly<Record<string, { readonly name: string }>>;
  };
}

/** Also what a process is started by that joins a container: `runc exec --process`. */
export interface ProcessSpec {
  readonly terminal?: true;
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids: readonly number[] };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: Readonly<Partial<Record<"bounding" | "effective" | "permitted" | "inheritable" | "ambient", readonly string[]>>>;
  readonly noNewPrivileges: boolean;
  /** Numbers of 64 bits, which are written as such; who reads them back by JSON.parse gets the nearest that it has. */
  readonly rlimits?: ReadonlyArray<{ readonly type: string; readonly soft: RawNumber; readonly hard: RawNumber }>;
}

interface HookSpec {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeout?: number;
}

interface LimitsSpec {
  readonly memory?: { readonly limit?: RawNumber; readonly swap?: RawNumber };
  readonly cpu?: { readonly shares?: RawNumber; readonly period?: RawNumber; readonly quota?: RawNumber; readonly cpus?: string; readonly mems?: string };
}

interface DeviceRule {
  readonly allow: boolean;
  readonly type?: "b" | "c";
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

export const ALL_DEVICES = "stemma.all-devices";

/** A number in JSON that JavaScript's own cannot hold. */
export interface RawNumber {
  readonly rawJSON: string;
}

export interface SpecMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** What the machine and the namespace around the sandbox allow. */
export interface SandboxGround {
  /** Inside a user namespace: no control groups, no sysfs, devices only by bind mount. */
  readonly rootless: boolean;
  /** False where the caller's own id is the only one. */
  readonly manyIds: boolean;
  /** Those that can be had here at all. */
  readonly capabilities: readonly string[];
  /** Undefined where control groups cannot be used. `path` is the process's, `own` the bundle's: the same, or around it. */
  readonly cgroup: { readonly version: 1 | 2; readonly path: string; readonly own: string } | undefined;
  readonly seccomp: SeccompProfile | undefined;
}

/** What is made for one process before it starts. */
export interface SandboxFiles {
  readonly rootPath: string;
  readonly resolvConf: string;
  readonly hosts: string;
  /** For AUTHORITIES_PATH, where there is something to be read. */
  readonly authorities: string | undefined;
  /** A network namespace that is there already; undefined: the network is the runtime's to make, or this machine's. */
  readonly network: string | undefined;
}

/** The fourteen that Docker and BuildKit leave to root in a container (capabilities(7)). */
const CAPABILITIES: readonly string[] = [
  "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
  "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
];

const MASKED_PATHS = [
  "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
  "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
];

const READ_ONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

const DEFAULT_PATH_VARIABLE = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A command, as it is started. */
export interface SpecifiedCommand extends SandboxCommand, Pick<Surroundings, "insecure" | "limits" | "additionalGroups"> {
  readonly terminal: boolean;
}

/** The same with all that is around it. */
export interface SpecifiedProcess extends SpecifiedCommand, Surroundings {}

/** Says to an OCI runtime, or to our own fallback, what BuildKit's executor would. Pure. */
export function runtimeSpec(step: SpecifiedProcess, user: TreeUser, files: SandboxFiles, ground: SandboxGround): RuntimeSpec {
  const { cgroup, seccomp } = ground;
  const { insecure } = step;
  // In a user namespace no node can be made, but the machine's can be shown.
  const nodes = ground.rootless ? [] : step.devices;
  return {
    ociVersion: "1.0.2",
    process: processSpec(step, user, ground),
    root: { path: files.rootPath, readonly: step.readOnlyRoot },
    hostname: hostnameOf(step),
    mounts: lastOfEach([...systemMounts(ground, insecure), ...fileMounts(files), ...(ground.rootless ? step.devices.map(deviceMount) : []), ...step.mounts.map(specMount)]),
    ...hooksSpec(step.hooks ?? []),
    ...(insecure ? { annotations: { [ALL_DEVICES]: "true" } } : {}),
    linux: {
      namespaces: namespaces(step, files, ground),
      maskedPaths: insecure ? [] : MASKED_PATHS,
      readonlyPaths: insecure ? [] : READ_ONLY_PATHS,
      ...(nodes.length === 0 ? {} : { devices: nodes.map(({ path, kind, major, minor, mode, uid, gid }) => ({ path, type: letterOf(kind), major, minor, fileMode: mode, uid, gid })) }),
      ...(cgroup === undefined ? {} : { cgroupsPath: cgroup.path, resources: { devices: deviceRules(step), ...limitsSpec(step.group?.limits) } }),
      ...(seccomp === undefined || insecure ? {} : { seccomp }),
      ...extrasSpec(step),
    },
  };
}

export function processSpec(step: SpecifiedCommand, user: TreeUser, ground: SandboxGround): ProcessSpec {
  return {
    ...(step.terminal ? { terminal: true } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: ground.manyIds ? [...new Set([...user.groups, ...(step.additionalGroups ?? [])])] : [] },
    args: step.argv,
    env: completeEnvironment(step.env, user),
    // Not cleaned: what ".." leaves may be a link, and then leads elsewhere than its name.
    cwd: posix.isAbsolute(step.cwd) ? step.cwd : `/${step.cwd}`,
    capabilities: step.insecure ? allCapabilities(ground) : sandboxCapabilities(ground),
    noNewPrivileges: false,
    ...(step.limits.length === 0 ? {} : { rlimits: step.limits.map(({ name, soft, hard }) => ({ type: `RLIMIT_${name.toUpperCase()}`, soft: rawNumber(soft), hard: rawNumber(hard) })) }),
  };
}

function extrasSpec({ intelRdt, netDevices = [] }: RuntimeExtras): Pick<RuntimeSpec["linux"], "intelRdt" | "netDevices"> {
  return {
    ...(intelRdt === undefined ? {} : { intelRdt }),
    ...(netDevices.length === 0 ? {} : { netDevices: Object.fromEntries(netDevices.map(({ hostName, name }) => [hostName, { name }])) }),
  };
}

function hooksSpec(hooks: readonly SandboxHook[]): Pick<RuntimeSpec, "hooks"> {
  if (hooks.length === 0) return {};
  const kinds = HOOK_KINDS.filter((kind) => hooks.some((hook) => hook.kind === kind));
  const specOf = ({ path, args, env, timeoutSeconds }: SandboxHook): HookSpec => ({ path, args, env, ...(timeoutSeconds === undefined ? {} : { timeout: timeoutSeconds }) });
  return { hooks: Object.fromEntries(kinds.map((kind) => [kind, hooks.filter((hook) => hook.kind === kind).map(specOf)])) };
}

/** Whoever is the machine's root, and is held by no control group, must make no device nodes: they could be opened. */
function sandboxCapabilities(ground: SandboxGround): ProcessSpec["capabilities"] {
  const granted = ground.rootless || ground.cgroup !== undefined ? CAPABILITIES : CAPABILITIES.filter((name) => name !== "CAP_MKNOD");
  return { bounding: granted, effective: granted, permitted: granted };
}

/** Also for users that are not root, as BuildKit has it. */
function allCapabilities({ capabilities: all }: SandboxGround): ProcessSpec["capabilities"] {
  return { bounding: all, effective: all, permitted: all, inheritable: all, ambient: all };
}

function deviceRules({ insecure, devices }: Surroundings): readonly DeviceRule[] {
  if (insecure) return [{ allow: true, type: "c", access: "rwm" }, { allow: true, type: "b", access: "rwm" }];
  return [{ allow: false, access: "rwm" }, ...devices.map(({ kind, major, minor, permissions }) => ({ allow: true, type: letterOf(kind), major, minor, access: permissions }))];
}

function limitsSpec(limits: GroupLimits | undefined): LimitsSpec {
  if (limits === undefined) return {};
  const given = <K extends string>(key: K, value: bigint): { readonly [P in K]?: RawNumber } =>
    // The computed key is K by construction.
    (value === 0n ? {} : { [key]: signedNumber(value) }) as { readonly [P in K]?: RawNumber };
  const memory = { ...given("limit", limits.memory), ...given("swap", limits.memorySwap) };
  const cpu = {
    ...given("shares", limits.cpuShares), ...given("quota", limits.cpuQuota), ...given("period", limits.cpuPeriod),
    ...(limits.cpusetCpus === "" ? {} : { cpus: limits.cpusetCpus }), ...(limits.cpusetMems === "" ? {} : { mems: limits.cpusetMems }),
  };
  return { ...(Object.keys(memory).length === 0 ? {} : { memory }), ...(Object.keys(cpu).length === 0 ? {} : { cpu }) };
}

function letterOf(kind: SandboxDevice["kind"]): "b" | "c" {
  return kind === "block" ? "b" : "c";
}

function deviceMount({ source, path }: SandboxDevice): SpecMount {
  return { destination: path, type: "bind", source, options: ["rbind", "nosuid", "noexec", "rw"] };
}

/** PATH and HOME are added at the end where they are missing: the one as BuildKit does, the other as runtimes do. */
function completeEnvironment(env: readonly string[], user: TreeUser): readonly string[] {
  const has = (name: string): boolean => env.some((entry) => entry.startsWith(`${name}=`));
  return [...env, ...(has("PATH") ? [] : [DEFAULT_PATH_VARIABLE]), ...(has("HOME") ? [] : [`HOME=${user.home}`])];
}

function rawNumber(value: bigint): RawNumber {
  return signedNumber(BigInt.asUintN(64, value));
}

function signedNumber(value: bigint): RawNumber {
  // Node has it; the types of the language do not know it yet.
  const json = JSON as typeof JSON & { rawJSON(text: string): RawNumber };
  return json.rawJSON(String(value));
}

function namespaces({ network }: Surroundings, files: SandboxFiles, ground: SandboxGround): RuntimeSpec["linux"]["namespaces"] {
  const made = ["pid", "ipc", "uts", "mount", ...(network === "none" ? ["network"] : [])].map((type) => ({ type }));
  const found = files.network === undefined ? [] : [{ type: "network", path: files.network }];
  // A cgroup namespace over version 1 hierarchies fails on layouts that are out of the ordinary.
  return [...made, ...found, ...(ground.cgroup?.version === 2 ? [{ type: "cgroup" }] : [])];
}

function systemMounts(ground: SandboxGround, insecure: boolean): readonly SpecMount[] {
  const quiet = ["nosuid", "noexec", "nodev"];
  // Group 5 is tty on every distribution; a user namespace with one id has no such group.
  const terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...(ground.manyIds ? ["gid=5"] : [])];
  const mounts = [
    { destination: "/proc", type: "proc", source: "proc", options: quiet },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    { destination: "/dev/pts", type: "devpts", source: "devpts", options: terminals },
    { destination: "/dev/shm", type: "tmpfs", source: "shm", options: [...quiet, "mode=1777", "size=65536k"] },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet },
  ];
  // The kernel gives sysfs only to the owner of the network namespace that it shows.
  if (!ground.rootless) mounts.push({ destination: "/sys", type: "sysfs", source: "sysfs", options: insecure ? quiet : [...quiet, "ro"] });
  if (ground.cgroup !== undefined) mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: insecure ? quiet : ["ro", ...quiet] });
  return mounts;
}

function fileMounts(files: SandboxFiles): readonly SpecMount[] {
  const options = ["nosuid", "noexec", "nodev", "rbind", "ro"];
  return [
    { destination: "/etc/resolv.conf", type: "bind", source: files.resolvConf, options },
    { destination: "/etc/hosts", type: "bind", source: files.hosts, options },
    ...(files.authorities === undefined ? [] : [{ destination: AUTHORITIES_PATH, type: "bind", source: files.authorities, options }]),
  ];
}

function specMount(mount: SandboxMount): SpecMount {
  const destination = posix.join("/", mount.destination);
  if (mount.kind === "bind") return { destination, type: "bind", source: mount.source, options: ["rbind", mount.readOnly ? "ro" : "rw"] };
  const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
  return { destination, type: "tmpfs", source: "tmpfs", options: ["nosuid", ...size] };
}

/** Of several mounts at one place the last counts, at the place of the first in the order. */
function lastOfEach(mounts: readonly SpecMount[]): readonly SpecMount[] {
  return [...new Map(mounts.map((mount) => [mount.destination, mount])).values()];
}
