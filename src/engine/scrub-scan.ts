import { TimeSlice } from "../content/time-slice.ts";
import { purlOf } from "../sbom/purl.ts";
import type { ScannedPackage, ScanResult } from "../sbom/scan.ts";
import type { Scrubber } from "../scrub/scrubber.ts";

/**
 * What was found of packages, as it may be published: lock files and metadata of packages hold the addresses that these were fetched
 * from. Places are names of packages, `system` and `warnings`. Names of files are masked-paths.ts's.
 */
export async function scrubScan({ osRelease, packages, warnings }: ScanResult, scrubber: Scrubber, signal: AbortSignal): Promise<ScanResult> {
  const slice = new TimeSlice();
  for (const text of warnings) scrubber.learnText(text);
  for (const one of packages) {
    if (slice.isSpent) await slice.renew(signal);
    for (const text of textsOf(one)) scrubber.learnText(text);
  }
  const scrubbed: ScannedPackage[] = [];
  const purls = new Map<string, string>();
  for (const one of packages) {
    if (slice.isSpent) await slice.renew(signal);
    const clean = scrubPackage(one, scrubber);
    const [before, after] = [purlOf(one), purlOf(clean)];
    if (before !== after) purls.set(before, after);
    scrubbed.push(clean);
  }
  return {
    osRelease: osRelease && { ...osRelease, values: new Map([...osRelease.values].map(([key, value]) => [key, scrubber.text(value, "system")])) },
    packages: purls.size === 0 ? scrubbed : scrubbed.map((one) => ({ ...one, dependencies: one.dependencies.map((needed) => purls.get(needed) ?? needed) })),
    warnings: warnings.map((warning) => scrubber.text(warning, "warnings")),
  };
}

function textsOf({ namespace, name, version, qualifiers, licenses, supplier, originator, homepage }: ScannedPackage): readonly string[] {
  return [namespace, name, version, ...Object.values(qualifiers), ...licenses, supplier, originator, homepage].filter((text) => text !== undefined);
}

function scrubPackage(one: ScannedPackage, scrubber: Scrubber): ScannedPackage {
  const place = `package ${scrubber.text(one.name, "a package's name")}`;
  const text = (member: string): string => scrubber.text(member, place);
  const maybe = (member: string | undefined): string | undefined => member && text(member);
  return {
    ...one,
    namespace: maybe(one.namespace), name: text(one.name), version: maybe(one.version),
    qualifiers: Object.fromEntries(Object.entries(one.qualifiers).map(([key, value]) => [key, text(value)])),
    licenses: one.licenses.map(text), supplier: maybe(one.supplier), homepage: maybe(one.homepage),
    ...(one.originator === undefined ? {} : { originator: text(one.originator) }),
  };
}
