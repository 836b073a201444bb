import type { DocumentInput } from "./document.ts";
import { osValue } from "./os-release.ts";

interface SystemElement {
  readonly id: string;
  /** Of the file that tells of it. */
  readonly path: string;
  readonly element: object;
}

/** The system that the tree is, as os-release(5) tells; undefined for a tree that is none. */
export function operatingSystem({ scan: { osRelease } }: DocumentInput): SystemElement | undefined {
  const name = osValue(osRelease?.values, "ID");
  if (osRelease === undefined || name === undefined) return undefined;
  const version = osValue(osRelease.values, "VERSION_ID");
  const description = osValue(osRelease.values, "PRETTY_NAME");
  const homepage = osValue(osRelease.values, "HOME_URL");
  const cpe = osValue(osRelease.values, "CPE_NAME");
  const id = `SPDXRef-OperatingSystem-${name.replaceAll(/[^A-Za-z0-9.-]+/g, "-")}`;
  const element = {
    SPDXID: id, name,
    ...(version === undefined ? {} : { versionInfo: version }),
    ...(description === undefined ? {} : { description }),
    ...(homepage === undefined ? {} : { homepage }),
    downloadLocation: "NOASSERTION", licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION", filesAnalyzed: false, primaryPackagePurpose: "OPERATING-SYSTEM",
    ...(cpe === undefined ? {} : { externalRefs: [{ referenceCategory: "SECURITY", referenceType: cpe.startsWith("cpe:2.3:") ? "cpe23Type" : "cpe22Type", referenceLocator: cpe }] }),
  };
  return { id, path: osRelease.path, element };
}
