/** image-spec, image-index.md, `platform`. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly variant?: string;
}

const OS_PATTERN = String.raw`^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$`;
const COMPONENT_PATTERN = "^[A-Za-z0-9_.-]+$";
const OS_OPTIONS = new RegExp(OS_PATTERN);
const COMPONENT = new RegExp(COMPONENT_PATTERN);

/** Go's names, as in its build constraints. Only a name that stands alone must be known. */
const KNOWN_OS: ReadonlySet<string> = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(" "),
);
const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set(
  `386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le
   ppc riscv riscv64 s390 s390x sparc sparc64 wasm`.split(/\s+/),
);

/**
 * `os[(version+feature…)]`, `architecture`, `os/architecture` or `os/architecture/variant`.
 * What is left out comes from `host` (host/host-platform.ts). Throws InvalidPlatformError with containerd's text.
 */
export function parsePlatform(text: string, host: Platform): Platform {
  if (text.includes("*")) throw invalid(`${quote(text)}: wildcards not yet supported`);
  const [first = "", ...rest] = splitAtMost(text, 4);
  const system = parseOs(first, text);
  for (const part of rest) {
    if (COMPONENT.test(part)) continue;
    throw invalid(
      `${quote(part)} is an invalid component of ${quote(text)}: platform specifier component must match ${quote(COMPONENT_PATTERN)}`,
    );
  }
  const [architecture, variant] = rest;
  if (rest.length > 2) throw invalid(`${quote(text)}: cannot parse platform specifier`);
  if (architecture === undefined) return parseLone(text, system, host);
  const known = normalizeArchitecture(architecture, variant ?? "");
  if (variant === undefined) return join(system, shortened(known));
  return join(system, known.architecture === "arm64" && known.variant === "" ? { ...known, variant: "v8" } : known);
}

/** The one spelling of each platform: what may be compared member by member. */
export function normalizePlatform(platform: Platform): Platform {
  const features = [...new Set(platform["os.features"])].toSorted();
  const version = platform["os.version"] ?? "";
  const system = {
    os: normalizeOs(platform.os),
    ...(version === "" ? {} : { "os.version": version }),
    ...(features.length === 0 ? {} : { "os.features": features }),
  };
  return join(system, normalizeArchitecture(platform.architecture, platform.variant ?? ""));
}

/** `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return os === "" ? "unknown" : [os, architecture, variant ?? ""].filter((part) => part !== "").join("/");
}

/** The same with the system's version and features: `windows(10.0.17763+win32k)/amd64`. */
export function formatAllPlatform(platform: Platform): string {
  const features = [...(platform["os.features"] ?? [])].toSorted();
  const options = [encodeOption(platform["os.version"] ?? ""), ...features.map((feature) => `+${encodeOption(feature)}`)].join("");
  return formatPlatform(options === "" || platform.os === "" ? platform : { ...platform, os: `${platform.os}(${options})` });
}

/** Texts are containerd's, since frontends print them. */
export class InvalidPlatformError extends Error {
  override readonly name = "InvalidPlatformError";
  readonly code = "invalid-platform";
  readonly retryable = false;
}

function invalid(finding: string): InvalidPlatformError {
  return new InvalidPlatformError(`${finding}: invalid argument`);
}

type System = Pick<Platform, "os" | "os.version" | "os.features">;
interface Machine {
  readonly architecture: string;
  readonly variant: string;
}

function parseOs(part: string, text: string): System {
  const match = OS_OPTIONS.exec(part);
  if (match === null) {
    throw invalid(
      `${quote(part)} is an invalid OS component of ${quote(text)}: OSAndVersion specifier component must match ${quote(OS_PATTERN)}`,
    );
  }
  const [, os = "", version = "", features = ""] = match;
  return {
    os: normalizeOs(os),
    ...(version === "" ? {} : { "os.version": decodeOption(version, `${quote(text)} has an invalid OS version`) }),
    ...(features === ""
      ? {}
      : { "os.features": features.slice(1).split("+").map((feature) => decodeOption(feature, `${quote(text)} has an invalid OS feature`)) }),
  };
}

/** A single word is a system if there is one of that name, else an architecture of the host's system. */
function parseLone(text: string, system: System, host: Platform): Platform {
  if (KNOWN_OS.has(system.os)) return join(system, shortened({ architecture: host.architecture, variant: host.architecture === "arm" ? (host.variant ?? "") : "" }));
  const machine = shortened(normalizeArchitecture(text, ""));
  if (!KNOWN_ARCHITECTURES.has(machine.architecture)) throw invalid(`${quote(text)}: unknown operating system or architecture`);
  return join({ os: host.os }, machine);
}

function join(system: System, { architecture, variant }: Machine): Platform {
  return { ...system, architecture, ...(variant === "" ? {} : { variant }) };
}

/** v7 is what "arm" alone means, so it is not written where nobody wrote it. */
function shortened(machine: Machine): Machine {
  return machine.architecture === "arm" && machine.variant === "v7" ? { ...machine, variant: "" } : machine;
}

function normalizeOs(os: string): string {
  const lower = os.toLowerCase();
  return lower === "macos" ? "darwin" : lower;
}

function normalizeArchitecture(name: string, variantName: string): Machine {
  const architecture = name.toLowerCase();
  const variant = variantName.toLowerCase();
  switch (architecture) {
    case "i386":
      return { architecture: "386", variant: "" };
    case "x86_64":
    case "x86-64":
    case "amd64":
      return { architecture: "amd64", variant: variant === "v1" ? "" : variant };
    case "aarch64":
    case "arm64":
      return { architecture: "arm64", variant: normalizeArm64Variant(variant) };
    case "armhf":
      return { architecture: "arm", variant: "v7" };
    case "armel":
      return { architecture: "arm", variant: "v6" };
    case "arm":
      return { architecture, variant: variant === "" ? "v7" : variant.replace(/^[5678]$/, "v$&") };
    default:
      return { architecture, variant };
  }
}

function normalizeArm64Variant(variant: string): string {
  switch (variant) {
    case "8":
    case "v8":
    case "v8.0":
      return "";
    case "9":
    case "9.0":
    case "v9.0":
      return "v9";
    default:
      return variant;
  }
}

function splitAtMost(text: string, partsMax: number): string[] {
  const parts = text.split("/");
  return parts.length <= partsMax ? parts : [...parts.slice(0, partsMax - 1), parts.slice(partsMax - 1).join("/")];
}

const OPTION_ESCAPES: Readonly<Record<string, string>> = { "%": "%25", "+": "%2B", "(": "%28", ")": "%29", "/": "%2F" };

function encodeOption(option: string): string {
  return option.replace(/[%+()/]/g, (c) => OPTION_ESCAPES[c] ?? c);
}

function decodeOption(option: string, complaint: string): string {
  const wrong = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(option);
  if (wrong !== null) throw new InvalidPlatformError(`${complaint} ${quote(option)}: invalid URL escape ${quote(wrong[0])}`);
  return Buffer.from(option.replace(/%([0-9a-fA-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), "latin1").toString("utf8");
}

/** Go's %q for what can be typed on a command line. */
function quote(text: string): string {
  return JSON.stringify(text);
}
