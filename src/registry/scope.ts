/** What one does with a repository: pushing includes pulling, as a push looks first at what is there. */
export type Access = "pull" | "push";

/** One resource of distribution's token specification: `repository:library/alpine:pull,push`. */
export type Scope = string;

export function repositoryScope(path: string, access: Access): Scope {
  return `repository:${path}:${access === "push" ? "pull,push" : "pull"}`;
}

/** Sorted, with one scope for each resource: a token service takes no others, and equal lists find equal tokens. */
export function mergeScopes(scopes: readonly Scope[]): readonly Scope[] {
  const byResource = new Map<string, Set<string>>();
  for (const scope of scopes) {
    const { resource, actions } = splitScope(scope);
    byResource.set(resource, (byResource.get(resource) ?? new Set()).union(new Set(actions)));
  }
  return [...byResource].map(([resource, actions]) => `${resource}:${[...actions].toSorted().join(",")}`).toSorted();
}

/** True where whoever may do `held` may do all of `wanted`. */
export function coversScopes(held: readonly Scope[], wanted: readonly Scope[]): boolean {
  const byResource = new Map(held.map(splitScope).map(({ resource, actions }) => [resource, new Set(actions)]));
  return wanted.map(splitScope).every(({ resource, actions }) => new Set(actions).isSubsetOf(byResource.get(resource) ?? new Set()));
}

/** A name may contain colons, so the actions are what follows the last one. */
function splitScope(scope: Scope): { readonly resource: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(":");
  return { resource: scope.slice(0, colon), actions: scope.slice(colon + 1).split(",").filter(Boolean) };
}
