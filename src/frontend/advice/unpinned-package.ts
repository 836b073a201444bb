import { unpinnedPackages } from "./package-managers.ts";
import type { Observation, Subject } from "./subject.ts";

/** More names would hide the message. */
const NAMED_MAX = 5;

/** RUN that installs packages without saying which versions. */
export function unpinnedPackage({ commands }: Subject): readonly Observation[] {
  return [...commands].flatMap(([at, run]) => {
    const packages = [...new Set(run.flatMap(unpinnedPackages))];
    if (packages.length === 0) return [];
    const more = packages.length > NAMED_MAX ? ` and ${packages.length - NAMED_MAX} more` : "";
    return [{ at, message: `installed without a version: ${packages.slice(0, NAMED_MAX).join(", ")}${more}` }];
  });
}
