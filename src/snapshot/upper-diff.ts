import { joinPath } from "../archive/entry-path.ts";
import type { ChangeRecorder } from "./change-recorder.ts";
import type { DiskTree } from "./disk-tree.ts";
import { LayerStoreError } from "./layer-store-error.ts";
import { isSameFile, type TreeBefore } from "./same-file.ts";
import { isWhiteout } from "./stat-entry.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { compareTrees } from "./tree-compare.ts";

const OPAQUE_XATTRS = ["trusted.overlay.opaque", "user.overlay.opaque"] as const;
const REDIRECT_XATTRS = ["trusted.overlay.redirect", "user.overlay.redirect"] as const;

/** An overlay's two sides, and who is told what differs. */
export interface UpperDiff {
  readonly upper: DiskTree;
  readonly base: TreeBefore;
  readonly recorder: ChangeRecorder;
}

/**
 * What an overlay's upper directory changes of the tree below it, as BuildKit's differ tells it:
 * copied up but not changed is no change, a whiteout of nothing is none, and in a directory that
 * hides what is below every name that is gone gets its whiteout, so that no opaque mark is needed.
 */
export async function diffUpper(diff: UpperDiff, signal: AbortSignal): Promise<void> {
  await walkUpper(diff, { directory: "", hasBase: true, slice: new TimeSlice() }, signal);
}

interface Walk {
  readonly directory: string;
  /** Whether a directory, and no link to one, lies at the same path below. */
  readonly hasBase: boolean;
  readonly slice: TimeSlice;
}

async function walkUpper(diff: UpperDiff, { directory, hasBase, slice }: Walk, signal: AbortSignal): Promise<void> {
  const { upper, base, recorder } = diff;
  for (const name of upper.names(directory)) {
    if (slice.isSpent) await slice.renew(signal);
    const path = joinPath(directory, name);
    const after = upper.stat(path);
    const before = hasBase ? base.stat(path) : undefined;
    if (after === undefined) continue;
    if (isWhiteout(after)) {
      if (before !== undefined) recorder.gone(path);
      continue;
    }
    const isSame = before !== undefined && (await isSameFile({ path, before, after }, base, upper, signal));
    if (isSame) recorder.lookedAt(path, after);
    else recorder.changed(path, after);
    if (!after.isDirectory()) continue;
    if (isSame && before.mtimeNs !== after.mtimeNs) recorder.touched(path, after);
    refuseRedirect(upper, path);
    if (before !== undefined && isOpaque(upper, path)) await compareTrees({ ...diff, after: upper }, { directory: path, hasBase: before.isDirectory() }, signal);
    else await walkUpper(diff, { directory: path, hasBase: before?.isDirectory() === true, slice }, signal);
  }
}

function isOpaque(upper: DiskTree, path: string): boolean {
  return OPAQUE_XATTRS.some((name) => upper.xattr(path, name)?.toString() === "y");
}

function refuseRedirect(upper: DiskTree, path: string): void {
  if (!REDIRECT_XATTRS.some((name) => upper.xattr(path, name) !== undefined)) return;
  throw new LayerStoreError("unsupported-tree", `${path}: overlayfs moved a directory by reference (redirect_dir), which no layer can say`);
}
