import { osValue, type OsRelease } from "./os-release.ts";
import { webAddress } from "./web-address.ts";

/** The system that a tree is, as os-release(5) tells. */
export interface OperatingSystem {
  /** Of the file that tells of it. */
  readonly path: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly description: string | undefined;
  readonly homepage: string | undefined;
  /** A name of the Common Platform Enumeration, of version 2.2 or 2.3. */
  readonly cpe: string | undefined;
}

/** Undefined for a tree that is no system, or one without a name. */
export function operatingSystem(osRelease: OsRelease | undefined): OperatingSystem | undefined {
  const value = (key: string): string | undefined => osValue(osRelease?.values, key);
  const name = value("ID");
  if (osRelease === undefined || name === undefined) return undefined;
  return { path: osRelease.path, name, version: value("VERSION_ID"), description: value("PRETTY_NAME"), homepage: webAddress(value("HOME_URL")), cpe: value("CPE_NAME") };
}
