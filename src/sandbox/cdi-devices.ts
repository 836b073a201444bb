import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCdiSpec, type CdiEdits, type CdiSpec } from "./cdi-spec.ts";
import { SandboxError } from "./sandbox-error.ts";

/** Devices of this machine, as its CDI files describe them (Container Device Interface 0.8). */
export interface CdiDevices {
  /** Where they were looked for. */
  readonly directories: readonly string[];
  /** Full names: all of a `kind`'s for `kind=*`, its first for `kind`; `kind=name` itself, or those of a class `name`. Throws SandboxError. */
  find(name: string): readonly string[];
  /** Whether the machine's operator lets any build have it. */
  isAutoAllowed(fullName: string): boolean;
  /** What these devices change of a process, each of their files counted once. Throws SandboxError for what contradicts itself. */
  edits(fullNames: readonly string[]): CdiEdits;
}

export interface CdiSettings {
  /** Later ones win. */
  readonly directories: readonly string[];
  /** Kinds and full names. */
  readonly autoAllowed: readonly string[];
}

/** Of the specification. */
export const CDI_DIRECTORIES: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

const CLASS_ANNOTATION = "org.mobyproject.buildkit.device.class";
const AUTO_ALLOW_ANNOTATION = "org.mobyproject.buildkit.device.autoallow";

const FILE_BYTES_MAX = 4 * 1024 * 1024;

interface Registered {
  readonly spec: CdiSpec;
  readonly annotations: ReadonlyMap<string, string>;
  readonly edits: CdiEdits;
}

/** Throws SandboxError ("device") for a file that cannot be understood: it may be about the very device that a step asks for. */
export async function readCdiDevices(settings: CdiSettings): Promise<CdiDevices> {
  const devices = await readDirectories(settings.directories);
  return {
    directories: settings.directories,
    find: (name) => findDevices(name, devices),
    isAutoAllowed(fullName) {
      const [kind = ""] = fullName.split("=");
      return settings.autoAllowed.includes(fullName) || settings.autoAllowed.includes(kind) || /^(1|t|true)$/i.test(devices.get(fullName)?.annotations.get(AUTO_ALLOW_ANNOTATION) ?? "");
    },
    edits(fullNames) {
      const found = fullNames.flatMap((name) => devices.get(name) ?? []);
      const all = [...new Set(found.map(({ spec }) => spec))].map(({ edits }) => edits).concat(found.map(({ edits }) => edits));
      const netDevices = all.flatMap((each) => each.netDevices);
      requireDistinct(netDevices);
      return {
        env: all.flatMap(({ env }) => env),
        devices: all.flatMap((each) => each.devices),
        mounts: all.flatMap(({ mounts }) => mounts),
        hooks: all.flatMap(({ hooks }) => hooks),
        additionalGids: [...new Set(all.flatMap(({ additionalGids }) => additionalGids))],
        intelRdt: all.findLast(({ intelRdt }) => intelRdt !== undefined)?.intelRdt,
        netDevices,
      };
    },
  };
}

/** Two names for one interface, or one for two, leave it to chance what a step gets. */
function requireDistinct(netDevices: CdiEdits["netDevices"]): void {
  for (const [at, { place, value }] of netDevices.entries()) {
    const before = netDevices.slice(0, at);
    if (before.some((each) => each.value.hostName === value.hostName)) throw new SandboxError("device", `${place}: invalid linux net device, duplicate HostInterfaceName ${JSON.stringify(value.hostName)}`);
    if (before.some((each) => each.value.name === value.name)) throw new SandboxError("device", `${place}: invalid linux net device, duplicate Name ${JSON.stringify(value.name)}`);
  }
}

function findDevices(name: string, devices: ReadonlyMap<string, Registered>): readonly string[] {
  const [, kind = "", , given = ""] = /^([^=]*)(=(.*))?$/s.exec(name) ?? [];
  if (!/^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*$/.test(kind)) throw new SandboxError("device", `invalid device ${JSON.stringify(name)}: vendor/class=name is needed`);
  const ofKind = [...devices].filter(([fullName]) => fullName.startsWith(`${kind}=`));
  const names = ofKind.map(([fullName]) => fullName);
  if (given === "") return names.slice(0, 1);
  if (given === "*") return names;
  if (devices.has(name)) return [name];
  return ofKind.filter(([, { annotations }]) => annotations.get(CLASS_ANNOTATION) === given).map(([fullName]) => fullName);
}

/** In the order of their names. Two files of one directory that describe one device cancel each other out, as the specification has it. */
async function readDirectories(directories: readonly string[]): Promise<ReadonlyMap<string, Registered>> {
  // Loaded where a step asks for a device, which few do.
  const { FAILSAFE_SCHEMA, load } = await import("js-yaml");
  const parse = (path: string): unknown => load(readSpec(path), { schema: FAILSAFE_SCHEMA, filename: path });
  const found = new Map<string, Registered>();
  for (const directory of directories) {
    const here = specFiles(directory, parse).flatMap(devicesOf);
    for (const [name, device] of here) {
      if (here.filter(([other]) => other === name).length > 1) found.delete(name);
      else found.set(name, device);
    }
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function specFiles(directory: string, parse: (path: string) => unknown): readonly CdiSpec[] {
  return namesIn(directory).filter((name) => /\.(json|ya?ml)$/.test(name)).toSorted().map((name) => {
    const path = join(directory, name);
    try {
      return parseCdiSpec(parse(path), path);
    } catch (error) {
      if (error instanceof SandboxError) throw error;
      throw new SandboxError("device", `${path} cannot be read: ${(error as Error).message}`);
    }
  });
}

function devicesOf(spec: CdiSpec): ReadonlyArray<readonly [name: string, device: Registered]> {
  return spec.devices.map(({ name, annotations, edits }) => [`${spec.kind}=${name}`, { spec, edits, annotations: new Map([...spec.annotations, ...annotations]) }]);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw new SandboxError("device", `devices cannot be looked up: ${(error as Error).message}`);
  }
}

function readSpec(path: string): string {
  const fd = openSync(path, "r");
  try {
    if (fstatSync(fd).size > FILE_BYTES_MAX) throw new SandboxError("device", `${path} exceeds ${FILE_BYTES_MAX} bytes`);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}
