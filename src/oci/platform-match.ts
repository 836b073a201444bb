import { normalizePlatform, type Platform } from "./platform.ts";

/** Which platforms' images serve, and which serve better. */
export interface PlatformMatcher {
  matches(platform: Platform): boolean;
  /** Negative where `a` serves better than `b`; platforms that do not match come last. */
  compare(a: Platform, b: Platform): number;
}

/** What a machine of this platform can run, by containerd's rule `Only`: arm64 runs arm/v7, amd64 runs 386, and so on. */
export function runnablePlatforms(platform: Platform): PlatformMatcher {
  return orderedMatcher(compatiblePlatforms(normalizePlatform(platform)));
}

/** This platform and no lesser one, by containerd's rule `OnlyStrict`. */
export function exactPlatform(platform: Platform): PlatformMatcher {
  return orderedMatcher([normalizePlatform(platform)]);
}

/** True where an image of `candidate` runs on a machine of `wanted`. */
export function matchesPlatform(wanted: Platform, candidate: Platform): boolean {
  return runnablePlatforms(wanted).matches(candidate);
}

/** The candidate that serves best; the earliest of equals. `undefined` where none serves. */
export function bestPlatformMatch<T>(matcher: PlatformMatcher, candidates: readonly T[], platformOf: (candidate: T) => Platform): T | undefined {
  return candidates
    .filter((candidate) => matcher.matches(platformOf(candidate)))
    .toSorted((a, b) => matcher.compare(platformOf(a), platformOf(b)))
    .at(0);
}

function orderedMatcher(wanted: readonly Platform[]): PlatformMatcher {
  const rank = (candidate: Platform): number => {
    const normalized = normalizePlatform(candidate);
    const found = wanted.findIndex((one) => serves(one, normalized));
    return found < 0 ? wanted.length : found;
  };
  const matches = (candidate: Platform): boolean => rank(candidate) < wanted.length;
  return {
    matches,
    compare: (a, b) => rank(a) - rank(b) || (matches(a) ? featureCount(b) - featureCount(a) : rank(withoutFeatures(a)) - rank(withoutFeatures(b))),
  };
}

/** An image may need fewer features than there are, never more. Versions of the system matter on Windows only. */
function serves(wanted: Platform, candidate: Platform): boolean {
  const windows = wanted.os === "windows";
  return (
    wanted.os === candidate.os &&
    wanted.architecture === candidate.architecture &&
    wanted.variant === candidate.variant &&
    // win32k was not compared by earlier releases, and images rely on that.
    (candidate["os.features"] ?? []).every((feature) => wanted["os.features"]?.includes(feature) === true || (windows && feature === "win32k")) &&
    (!windows || windowsRuns(wanted["os.version"], candidate["os.version"]))
  );
}

function featureCount(platform: Platform): number {
  return platform["os.features"]?.length ?? 0;
}

function withoutFeatures(platform: Platform): Platform {
  return { ...platform, "os.features": [] };
}

/** The platform itself, then what it also runs, the nearest first. */
function compatiblePlatforms(platform: Platform): readonly Platform[] {
  const { variant: _variant, ...bare } = platform;
  const variants = (architecture: string, names: readonly string[]): Platform[] => names.map((variant) => ({ ...bare, architecture, variant }));
  const version = Number(/^v?(\d{1,2})$/.exec(platform.variant ?? "")?.[1] ?? 0);
  switch (platform.architecture) {
    case "amd64": {
      const lesser = variants("amd64", versionsBelow(version, 1)).map(normalizePlatform);
      return [platform, ...lesser, { ...bare, architecture: "386" }];
    }
    case "arm":
      return [platform, ...variants("arm", versionsBelow(version, 5))];
    case "arm64": {
      const names = arm64Variants(platform.variant ?? "v8");
      if (names.length === 0) return [platform];
      return [...variants("arm64", names).map(normalizePlatform), ...compatiblePlatforms({ ...bare, architecture: "arm", variant: "v8" })];
    }
    default:
      return [platform];
  }
}

function versionsBelow(version: number, least: number): readonly string[] {
  return Array.from({ length: Math.max(0, version - least) }, (_, i) => `v${version - 1 - i}`);
}

/** arm64/v9.x also runs v8.(x+5), from which it grew: 9.0 was 8.5. */
function arm64Variants(variant: string): readonly string[] {
  const match = /^v([89])(?:\.(\d))?$/.exec(variant);
  if (match === null) return [];
  const minor = Number(match[2] ?? 0);
  const down = (major: number, from: number): string[] =>
    Array.from({ length: from + 1 }, (_, i) => (i === from ? `v${major}` : `v${major}.${from - i}`));
  return match[1] === "8" ? down(8, minor) : [...down(9, minor), ...down(8, Math.min(9, minor + 5))];
}

/** Builds of Windows that later hosts go on running (Windows Server 2022 and 2025). */
const WINDOWS_LONG_TERM_BUILDS = [20348, 26100] as const;

/** Microsoft's "Windows container version compatibility": a host runs images from the last long-term build before it up to its own. */
function windowsRuns(host: string | undefined, image: string | undefined): boolean {
  const hostVersion = parseWindowsVersion(host ?? "");
  if (hostVersion === undefined || image === undefined) return true;
  const imageVersion = parseWindowsVersion(image);
  if (imageVersion === undefined || hostVersion.release !== imageVersion.release) return false;
  if (hostVersion.build < WINDOWS_LONG_TERM_BUILDS[0]) return hostVersion.build === imageVersion.build;
  const oldest = WINDOWS_LONG_TERM_BUILDS.findLast((build) => build < hostVersion.build) ?? WINDOWS_LONG_TERM_BUILDS[0];
  return oldest <= imageVersion.build && imageVersion.build <= hostVersion.build;
}

function parseWindowsVersion(text: string): { readonly release: string; readonly build: number } | undefined {
  const [major, minor, build] = text.split(".");
  return build === undefined || !/^\d+$/.test(build) ? undefined : { release: `${major}.${minor}`, build: Number(build) };
}
