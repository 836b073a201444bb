import { joinPath } from "../archive/entry-path.ts";
import type { CommitTree } from "../git/commit-tree.ts";
import { selectionFilter, type SelectionFilter } from "../session/selection-filter.ts";
import type { LocalSelection } from "../session/session.ts";

type Names = ReadonlyArray<{ readonly name: string }>;

/**
 * What a selection means in a commit's files below `place`. Links lead where the commit's links lead: the work tree may
 * have lost one. Directories are fetched as following asks for them, until it has all that it needs.
 */
export async function commitSelection(tree: CommitTree, place: string, selection: LocalSelection): Promise<SelectionFilter> {
  const known = { names: new Map<string, Names | undefined>(), links: new Map<string, string | undefined>() };
  for (;;) {
    const wanted = { names: new Set<string>(), links: new Set<string>() };
    const filter = selectionFilter({
      list: (path) => lookedUp(known.names, path, wanted.names),
      linkTarget: (path) => lookedUp(known.links, path, wanted.links),
    }, selection);
    if (wanted.names.size === 0 && wanted.links.size === 0) return filter;
    for (const path of wanted.names) known.names.set(path, await namesIn(tree, path === "" ? place : joinPath(place, path)));
    for (const path of wanted.links) known.links.set(path, await tree.linkTarget(joinPath(place, path)));
  }
}

/** What is not known yet is noted, and looks as if it were not there. */
function lookedUp<T>(known: ReadonlyMap<string, T | undefined>, path: string, wanted: Set<string>): T | undefined {
  if (!known.has(path)) wanted.add(path);
  return known.get(path);
}

async function namesIn(tree: CommitTree, path: string): Promise<Names | undefined> {
  const entries = await (await tree.directory(path))?.entries();
  return entries && Array.from(entries.keys(), (name) => ({ name }));
}
