import type { LockedPackages } from "../locked-package.ts";
import { linesOf } from "../parse-text.ts";
import { mayApply, parseRequirement } from "./requirement.ts";

/**
 * What a requirements file of pip pins with `==`. What may be one of several versions is not known, so it is not listed; nor is
 * what a marker keeps away from Linux. Files that are included lie beside it, and are read by their own names.
 */
export function parseRequirementsFile(bytes: Uint8Array): LockedPackages {
  const packages = new Map<string, { namespace: undefined; name: string; version: string; qualifiers: {}; licenses: []; dependencies: [] }>();
  for (const line of logicalLines(bytes)) {
    const requirement = parseRequirement(line);
    const version = requirement === undefined ? undefined : pinnedVersion(requirement.specifier);
    if (requirement === undefined || version === undefined || !mayApply(requirement.marker, { pythonVersion: undefined })) continue;
    const { name } = requirement;
    packages.set(`${name}==${version}`, { namespace: undefined, name, version, qualifiers: {}, licenses: [], dependencies: [] });
  }
  return packages;
}

/** Without comments and options, whether they stand alone or follow a requirement. */
function logicalLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  let begun = "";
  for (const line of linesOf(bytes)) {
    const text = line.replace(/(?:^|\s)#.*$/, "");
    if (text.endsWith("\\")) {
      begun += text.slice(0, -1);
      continue;
    }
    lines.push(begun + text);
    begun = "";
  }
  return [...lines, begun].map((line) => line.split(/\s--?[a-z]/, 1)[0]?.trim() ?? "").filter((line) => line !== "" && !line.startsWith("-"));
}

/** Of `==1.0` among other clauses; `==1.*` pins nothing. */
export function pinnedVersion(specifier: string): string | undefined {
  const clauses = specifier.replace(/^\(|\)$/g, "").split(",");
  return clauses.flatMap((clause) => /^\s*={2,3}\s*([^\s*=]+)\s*$/.exec(clause)?.[1] ?? [])[0];
}
