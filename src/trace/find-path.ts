import type { LayerEntry, LayerTable } from "./layer-table.ts";

/** Where a path of an image lies. */
export type PathFinding =
  | { readonly kind: "found"; readonly layer: number; readonly path: string; readonly entry: LayerEntry; readonly followed: readonly FollowedLink[] }
  /** Some layer took it away, and none above put it back. */
  | { readonly kind: "hidden"; readonly layer: number; readonly path: string; readonly by: string; readonly followed: readonly FollowedLink[] }
  | { readonly kind: "absent"; readonly path: string; readonly followed: readonly FollowedLink[] };

/** A symbolic link among the directories of the path. */
export interface FollowedLink {
  readonly path: string;
  readonly target: string;
}

/** As many as Linux follows. */
const LINKS_MAX = 40;

/** One layer's answer to where a path is. */
type Sighting =
  | { readonly kind: "entry"; readonly entry: LayerEntry }
  | { readonly kind: "gone"; readonly by: string }
  | { readonly kind: "link"; readonly at: string; readonly target: string };

/**
 * Finds the topmost layer that holds a path (`usr/bin/env`), asking for as few layers as it needs, from the top.
 * Links among its directories are followed; a link at its end is what is found.
 */
export async function findPath(path: string, layerCount: number, table: (layer: number) => Promise<LayerTable>): Promise<PathFinding> {
  const followed: FollowedLink[] = [];
  let at = path;
  for (;;) {
    const found = await sighting(at, layerCount, table);
    if (found === undefined) return { kind: "absent", path: at, followed };
    const { layer, seen } = found;
    if (seen.kind === "entry") return { kind: "found", layer, path: at, entry: seen.entry, followed };
    if (seen.kind === "gone") return { kind: "hidden", layer, path: at, by: seen.by, followed };
    followed.push({ path: seen.at, target: seen.target });
    if (followed.length > LINKS_MAX) return { kind: "absent", path: at, followed };
    at = linkTarget(seen.at, seen.target) + at.slice(seen.at.length);
    at = at.replace(/^\//, "");
  }
}

async function sighting(path: string, layerCount: number, table: (layer: number) => Promise<LayerTable>): Promise<{ readonly layer: number; readonly seen: Sighting } | undefined> {
  const directories = new Set<string>();
  for (let layer = layerCount - 1; layer >= 0; layer -= 1) {
    const seen = sightingIn(await table(layer), path, directories);
    if (seen !== undefined) return { layer, seen };
  }
  return undefined;
}

/** `directories` are those above the path that upper layers have as directories: what lower ones have there does not show. */
function sightingIn({ entries, whiteouts, opaques }: LayerTable, path: string, directories: Set<string>): Sighting | undefined {
  const entry = entries.get(path);
  if (entry !== undefined) return { kind: "entry", entry };
  if (whiteouts.has(path)) return { kind: "gone", by: `a whiteout of /${path}` };
  for (const ancestor of ancestorsOf(path)) {
    if (whiteouts.has(ancestor)) return { kind: "gone", by: `a whiteout of /${ancestor}` };
    const above = entries.get(ancestor);
    if (above !== undefined && above.kind !== "directory") {
      if (above.kind !== "symlink" || directories.has(ancestor)) return { kind: "gone", by: `/${ancestor}, which is no directory here` };
      return { kind: "link", at: ancestor, target: above.linkname ?? "" };
    }
    if (above !== undefined) directories.add(ancestor);
    if (opaques.has(ancestor)) return { kind: "gone", by: `an opaque marker of /${ancestor}` };
  }
  return undefined;
}

/** From the root, which is "", down. */
function ancestorsOf(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_part, index) => parts.slice(0, index).join("/"));
}

/** Links that lead out of the root end at it, as in a container. */
function linkTarget(at: string, target: string): string {
  const start = target.startsWith("/") ? [] : at.split("/").slice(0, -1);
  const parts: string[] = [];
  for (const part of [...start, ...target.split("/")]) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
