import { osValue } from "./os-release.ts";

type OsRelease = ReadonlyMap<string, string> | undefined;

/** Vendors whose name in package-urls is not their ID in os-release(5). */
const VENDORS: Readonly<Record<string, string>> = {
  rhel: "redhat", sles: "suse", sled: "suse", "sle-micro": "suse", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse", "opensuse-microos": "opensuse",
};

/** The namespace of package-urls of the system's own packages: its vendor. */
export function osNamespace(osRelease: OsRelease): string | undefined {
  const id = osValue(osRelease, "ID")?.toLowerCase();
  return id === undefined ? undefined : (VENDORS[id] ?? id);
}

/** The `distro` qualifier: `debian-12`; by code name where the system has no version yet; empty, as if it were not there, where it tells nothing. */
export function distroQualifier(osRelease: OsRelease): string {
  const id = osValue(osRelease, "ID")?.toLowerCase();
  const version = osValue(osRelease, "VERSION_ID") ?? osValue(osRelease, "VERSION_CODENAME");
  return id === undefined ? "" : [id, ...(version === undefined ? [] : [version])].join("-");
}
