import type { ControlFields } from "../control-fields.ts";
import type { FoundPackage } from "../found-package.ts";
import { purlOf } from "../purl.ts";

interface Installed {
  readonly fields: ControlFields;
  readonly found: FoundPackage;
}

/** The packages, each with the package-urls of those that meet its Depends and Pre-Depends (Debian policy 7). */
export function withDependencies(installed: readonly Installed[]): FoundPackage[] {
  const providers = new Map<string, FoundPackage[]>();
  const provide = (name: string, found: FoundPackage): void => {
    const others = providers.get(name);
    if (others === undefined) providers.set(name, [found]);
    else others.push(found);
  };
  // A package of the name itself meets a dependency before one that provides the name.
  for (const { found } of installed) provide(found.name, found);
  for (const { fields, found } of installed) for (const name of names(fields.get("provides") ?? "").flat()) provide(name, found);
  return installed.map(({ fields, found }) => {
    const needed = [fields.get("pre-depends") ?? "", fields.get("depends") ?? ""].flatMap(names);
    const met = needed.flatMap((alternatives) => metBy(alternatives, found, providers));
    return { ...found, dependencies: [...new Set(met.filter((one) => one !== found).map(purlOf))] };
  });
}

/** `a (>= 1) | b:any, c` → [[a, b], [c]]. */
function names(relation: string): string[][] {
  const groups = relation.split(",").map((group) => group.split("|").map((alternative) => /^\s*([^\s:([<]+)/.exec(alternative)?.[1] ?? "").filter((name) => name !== ""));
  return groups.filter((group) => group.length > 0);
}

/** Of alternatives, the first that is installed; of several architectures, the package's own. */
function metBy(alternatives: readonly string[], needer: FoundPackage, providers: ReadonlyMap<string, readonly FoundPackage[]>): FoundPackage[] {
  const candidates = alternatives.map((name) => providers.get(name)).find((found) => found !== undefined) ?? [];
  const best = candidates.find(({ qualifiers }) => qualifiers["arch"] === needer.qualifiers["arch"]) ?? candidates[0];
  return best === undefined ? [] : [best];
}
