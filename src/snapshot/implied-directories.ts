import type { Entry } from "../archive/entry.ts";
import { parentPath } from "../archive/entry-path.ts";
import { comparePaths } from "../archive/path-bytes.ts";
import type { StoredLayer } from "./stored-layer.ts";
import { Tree } from "./tree.ts";

/**
 * Directories that some layer has something in without saying what they are like. Lower layers say
 * it, but overlayfs would show what the layer's own directory on disk happens to be: these entries,
 * put on top, set it right. Nearly every layer names all its directories, and none are needed.
 *
 * So do those in which the lowest layer hides something that cannot be there: of a directory that it has in one place only, overlayfs
 * lists what hides along with the rest.
 */
export async function impliedDirectories(layers: readonly StoredLayer[], signal: AbortSignal): Promise<readonly Entry[]> {
  const paths = new Set<string>();
  for (const layer of layers) {
    if ((await layer.summary()).impliesDirectories) collectImplied(await layer.entries(signal), paths);
  }
  const [lowest] = layers;
  if (lowest !== undefined && (await lowest.summary()).hasWhiteouts) for (const { kind, path } of await lowest.entries(signal)) if (kind === "whiteout" && parentPath(path) !== "") paths.add(parentPath(path));
  if (paths.size === 0) return [];
  const tree = await Tree.open(layers, signal);
  return [...paths].sort(comparePaths).flatMap((path) => {
    const entry = tree.lookup(path)?.entry;
    return entry?.kind === "directory" ? [entry] : [];
  });
}

function collectImplied(entries: readonly Entry[], paths: Set<string>): void {
  const said = new Set(entries.flatMap(({ kind, path }) => (kind === "directory" ? [path] : [])));
  for (const { kind, path } of entries) {
    const first = kind === "opaque" ? path : parentPath(path);
    for (let parent = first; parent !== "" && !said.has(parent) && !paths.has(parent); parent = parentPath(parent)) paths.add(parent);
  }
}
