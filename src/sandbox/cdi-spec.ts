import { HOOK_KINDS, type IntelRdt, type NetDevice, type SandboxHook } from "./sandbox.ts";
import { SandboxError } from "./sandbox-error.ts";

/** A device node for a process; what is undefined is as on the machine itself. */
export interface CdiNode {
  readonly path: string;
  readonly hostPath: string;
  /** Letters of the device control group: `rwm`. */
  readonly permissions: string;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** What a device changes of a process that gets it: `containerEdits`. */
export interface CdiEdits {
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly devices: readonly CdiNode[];
  readonly mounts: ReadonlyArray<{ readonly source: string; readonly destination: string; readonly readOnly: boolean }>;
  readonly hooks: readonly SandboxHook[];
  /** Groups of the process beside its user's. */
  readonly additionalGids: readonly number[];
  /** Not every runtime does these, and a device without them would not be the device: so it is known where they are asked for. */
  readonly intelRdt: Placed<IntelRdt> | undefined;
  readonly netDevices: ReadonlyArray<Placed<NetDevice>>;
}

/** With the place in its file, for messages. */
export interface Placed<T> {
  readonly place: string;
  readonly value: T;
}

export const NO_EDITS: CdiEdits = { env: [], devices: [], mounts: [], hooks: [], additionalGids: [], intelRdt: undefined, netDevices: [] };

/** One file of the Container Device Interface (specification 0.8). */
export interface CdiSpec {
  /** `vendor/class` */
  readonly kind: string;
  readonly annotations: ReadonlyMap<string, string>;
  /** For whoever gets any of the devices. */
  readonly edits: CdiEdits;
  readonly devices: ReadonlyArray<{ readonly name: string; readonly annotations: ReadonlyMap<string, string>; readonly edits: CdiEdits }>;
}

type Table = Readonly<Record<string, unknown>>;

/** Every scalar is a text. Throws SandboxError ("device") that names the file. */
export function parseCdiSpec(document: unknown, path: string): CdiSpec {
  const spec = tableOf(document, path);
  const at = (place: string): string => `${path}: ${place}`;
  return {
    kind: textOf(spec["kind"], at("kind")),
    annotations: annotationsOf(spec, at("annotations")),
    edits: editsOf(spec["containerEdits"], at("containerEdits")),
    devices: listOf(spec["devices"], at("devices")).map((entry) => {
      const device = tableOf(entry, at("devices"));
      const name = textOf(device["name"], at("devices: name"));
      return { name, annotations: annotationsOf(device, at(`${name}: annotations`)), edits: editsOf(device["containerEdits"], at(`${name}: containerEdits`)) };
    }),
  };
}

function editsOf(value: unknown, place: string): CdiEdits {
  const edits = tableOf(value ?? {}, place);
  return {
    env: listOf(edits["env"], `${place}: env`).map((entry) => textOf(entry, `${place}: env`)),
    devices: listOf(edits["deviceNodes"], `${place}: deviceNodes`).map((entry) => nodeOf(tableOf(entry, `${place}: deviceNodes`), `${place}: deviceNodes`)),
    mounts: listOf(edits["mounts"], `${place}: mounts`).map((entry) => mountOf(tableOf(entry, `${place}: mounts`), `${place}: mounts`)),
    hooks: listOf(edits["hooks"], `${place}: hooks`).map((entry) => hookOf(tableOf(entry, `${place}: hooks`), `${place}: hooks`)),
    // Root's is no group more: who may be it says the user.
    additionalGids: listOf(edits["additionalGids"], `${place}: additionalGids`).flatMap((entry) => numberOf(entry, `${place}: additionalGids`) || []),
    intelRdt: edits["intelRdt"] === undefined ? undefined : { place, value: intelRdtOf(tableOf(edits["intelRdt"], `${place}: intelRdt`), `${place}: intelRdt`) },
    netDevices: listOf(edits["netDevices"], `${place}: netDevices`).map((entry) => ({ place, value: netDeviceOf(tableOf(entry, `${place}: netDevices`), `${place}: netDevices`) })),
  };
}

/** The class is a directory's name below the kernel's; "/" is the root's. */
function intelRdtOf(table: Table, place: string): IntelRdt {
  const { closID } = table;
  if (closID !== undefined && closID !== "/" && (typeof closID !== "string" || closID.length >= 4096 || /^\.{1,2}$|[/\n]/.test(closID))) throw new SandboxError("device", `${place}: invalid ClosID`);
  const texts = Object.fromEntries(["closID", "l3CacheSchema", "memBwSchema"].flatMap((name) => (table[name] === undefined || table[name] === "" ? [] : [[name, textOf(table[name], `${place}: ${name}`)]])));
  const schemata = listOf(table["schemata"], `${place}: schemata`).map((entry) => textOf(entry, `${place}: schemata`));
  return { ...texts, ...(schemata.length === 0 ? {} : { schemata }), ...(table["enableMonitoring"] === "true" ? { enableMonitoring: true } : {}) };
}

function netDeviceOf(table: Table, place: string): NetDevice {
  return { hostName: textOf(table["hostInterfaceName"], `${place}: hostInterfaceName`), name: textOf(table["name"], `${place}: name`) };
}

function nodeOf(node: Table, place: string): CdiNode {
  const path = textOf(node["path"], `${place}: path`);
  return {
    path,
    hostPath: node["hostPath"] === undefined ? path : textOf(node["hostPath"], `${place}: hostPath`),
    permissions: node["permissions"] === undefined ? "rwm" : textOf(node["permissions"], `${place}: permissions`),
    mode: numberOf(node["fileMode"], `${place}: fileMode`),
    uid: numberOf(node["uid"], `${place}: uid`),
    gid: numberOf(node["gid"], `${place}: gid`),
  };
}

function mountOf(mount: Table, place: string): CdiEdits["mounts"][number] {
  const options = listOf(mount["options"], `${place}: options`);
  return { source: textOf(mount["hostPath"], `${place}: hostPath`), destination: textOf(mount["containerPath"], `${place}: containerPath`), readOnly: options.includes("ro") };
}

function hookOf(hook: Table, place: string): SandboxHook {
  const name = textOf(hook["hookName"], `${place}: hookName`);
  const kind = HOOK_KINDS.find((each) => each === name);
  if (kind === undefined) throw new SandboxError("device", `${place}: there is no hook ${JSON.stringify(name)}; there is ${HOOK_KINDS.join(", ")}`);
  const texts = (member: string): readonly string[] => listOf(hook[member], `${place}: ${member}`).map((entry) => textOf(entry, `${place}: ${member}`));
  const timeoutSeconds = numberOf(hook["timeout"], `${place}: timeout`);
  return { kind, path: textOf(hook["path"], `${place}: path`), args: texts("args"), env: texts("env"), timeoutSeconds };
}

function annotationsOf(owner: Table, place: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(tableOf(owner["annotations"] ?? {}, place)).map(([name, value]) => [name, textOf(value, place)]));
}

function tableOf(value: unknown, place: string): Table {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SandboxError("device", `${place}: a table is needed`);
  // An object that is no array.
  return value as Table;
}

function listOf(value: unknown, place: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new SandboxError("device", `${place}: a list is needed`);
  return value;
}

function textOf(value: unknown, place: string): string {
  if (typeof value !== "string" || value === "") throw new SandboxError("device", `${place}: a text is needed`);
  return value;
}

/** Decimal, or octal as YAML 1.1 and 1.2 write it. */
function numberOf(value: unknown, place: string): number | undefined {
  if (value === undefined) return undefined;
  const text = textOf(value, place);
  if (!/^(0o?[0-7]+|0|[1-9]\d*)$/.test(text)) throw new SandboxError("device", `${place}: a number is needed, not ${JSON.stringify(text)}`);
  return /^0o?[0-7]/.test(text) ? Number.parseInt(text.replace("o", ""), 8) : Number(text);
}
