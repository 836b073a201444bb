import type { LockedPackage, LockedPackages } from "../locked-package.ts";
import { downloadQualifier, repositoryQualifier } from "../origin-url.ts";
import { parseJson } from "../parse-text.ts";
import { member, members, memberText } from "../../content/parsed-value.ts";
import { DamagedFileError } from "../read-file.ts";
import { isName, mayApply, normalizedName } from "./requirement.ts";
import { pinnedVersion } from "./requirements-file.ts";

/** The packages of `default` of a Pipfile.lock; `develop` and other categories are not needed to run. It has no dependencies. */
export function parsePipfileLock(bytes: Uint8Array): LockedPackages {
  const lock = parseJson(bytes);
  if (member(lock, "_meta") === undefined) throw new DamagedFileError("no lock file of Pipenv: it has no _meta");
  const packages = new Map<string, LockedPackage>();
  for (const [name, entry] of members(member(lock, "default"))) {
    const isLocal = member(entry, "path") !== undefined;
    if (!isName(name) || isLocal || !mayApply(memberText(entry, "markers"), { pythonVersion: undefined })) continue;
    packages.set(name, {
      namespace: undefined,
      name: normalizedName(name),
      version: pinnedVersion(memberText(entry, "version") ?? ""),
      qualifiers: qualifiersOf(entry),
      licenses: [],
      dependencies: [],
    });
  }
  return packages;
}

function qualifiersOf(entry: unknown): Readonly<Record<string, string>> {
  const repository = memberText(entry, "git");
  return repository === undefined ? downloadQualifier(memberText(entry, "file") ?? "") : repositoryQualifier(repository, memberText(entry, "ref"));
}
