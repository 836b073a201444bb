import type { FoundPackage } from "../found-package.ts";
import { purlOf } from "../purl.ts";

/** A package with what its data base says of its relations. */
export interface Related {
  readonly found: FoundPackage;
  /** Beside its own name. */
  readonly provides: readonly string[];
  /** Each met by any of several names. */
  readonly needs: ReadonlyArray<readonly string[]>;
}

/** The packages, each with the package-urls of those that meet its needs. What nothing meets is left out: a data base may tell of it, a tree does not have it. */
export function withMetDependencies(packages: readonly Related[]): FoundPackage[] {
  const providers = new Map<string, FoundPackage[]>();
  const provide = (name: string, found: FoundPackage): void => {
    const others = providers.get(name);
    if (others === undefined) providers.set(name, [found]);
    else others.push(found);
  };
  // A package of the name itself comes before one that provides the name.
  for (const { found } of packages) provide(found.name, found);
  for (const { found, provides } of packages) for (const name of provides) provide(name, found);
  return packages.map(({ found, needs }) => {
    const met = needs.flatMap((alternatives) => metBy(alternatives, found, providers));
    return { ...found, dependencies: [...new Set(met.filter((one) => one !== found).map(purlOf))] };
  });
}

/** Of alternatives, the first that is there; of several packages, one of the same architecture. */
function metBy(alternatives: readonly string[], needer: FoundPackage, providers: ReadonlyMap<string, readonly FoundPackage[]>): FoundPackage[] {
  const candidates = alternatives.map((name) => providers.get(name)).find((found) => found !== undefined) ?? [];
  const best = candidates.find(({ qualifiers }) => qualifiers["arch"] === needer.qualifiers["arch"]) ?? candidates[0];
  return best === undefined ? [] : [best];
}
