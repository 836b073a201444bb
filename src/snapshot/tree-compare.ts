import { joinPath } from "../archive/entry-path.ts";
import { compareNames } from "../archive/path-bytes.ts";
import type { ChangeRecorder } from "./change-recorder.ts";
import type { DiskTree } from "./disk-tree.ts";
import { isSameFile, type TreeBefore } from "./same-file.ts";
import { isWhiteout } from "./stat-entry.ts";
import { TimeSlice } from "../content/time-slice.ts";

/** A tree before and after, and who is told what differs. */
export interface TreeComparison {
  readonly base: TreeBefore;
  readonly after: DiskTree;
  readonly recorder: ChangeRecorder;
}

/** Where to look. `hasBase` says whether the base has a directory there. */
export interface ComparedDirectory {
  readonly directory: string;
  readonly hasBase: boolean;
}

/** Walks both sides at once, in the order of names: what is gone, new and changed below a directory. */
export async function compareTrees(trees: TreeComparison, { directory, hasBase }: ComparedDirectory, signal: AbortSignal): Promise<void> {
  const { base, after: tree, recorder } = trees;
  const slice = new TimeSlice();
  const below = hasBase ? base.names(directory) : [];
  for (const name of [...new Set([...tree.names(directory), ...below])].sort(compareNames)) {
    if (slice.isSpent) await slice.renew(signal);
    const path = joinPath(directory, name);
    const before = hasBase ? base.stat(path) : undefined;
    const found = tree.stat(path);
    if (found === undefined || isWhiteout(found)) {
      if (before !== undefined) recorder.gone(path);
      continue;
    }
    if (before !== undefined && (await isSameFile({ path, before, after: found }, base, tree, signal))) recorder.unchanged(path, found);
    else recorder.changed(path, found);
    if (!found.isDirectory()) continue;
    if (before?.isDirectory() === true && before.mtimeNs !== found.mtimeNs) recorder.touched(path, found);
    await compareTrees(trees, { directory: path, hasBase: before?.isDirectory() === true }, signal);
  }
}
