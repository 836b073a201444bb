import type { ChownOpt, FileActionCopy, FileOp } from "../llb/op.ts";
import type { LlbVertex } from "../llb/graph.ts";
import { hasWildcards } from "../pattern/path-match.ts";
import { hasPatterns, type ContentSelection } from "../snapshot/tree-selection.ts";

/**
 * What a file operation uses of each input, for keys by content. Undefined for an input that is built upon, and for
 * one that is not used: such an input counts by what made it.
 */
export function fileOpSelectors(op: FileOp, inputCount: number): ReadonlyArray<readonly ContentSelection[] | undefined> {
  return selectionsInOrder(op, inputCount).map((selections) => selections && deduplicated(selections));
}

/** The same, each as often and in the order in which the actions have it: which content is whose is then known without its path. */
export function selectionsInOrder(op: FileOp, inputCount: number): ReadonlyArray<readonly ContentSelection[] | undefined> {
  const used = usedOf(op);
  const builtUpon = new Set(op.actions.map(({ input }) => Number(input)));
  return Array.from({ length: inputCount }, (_, input) => (builtUpon.has(input) ? undefined : used.get(input)));
}

/** What is read of each input, as it is written, also of those that are built upon. */
export function usedOf(op: FileOp): ReadonlyMap<number, readonly ContentSelection[]> {
  const selections = new Map<number, ContentSelection[]>();
  const add = (input: number, selection: ContentSelection): void => void selections.set(input, [...(selections.get(input) ?? []), selection]);
  for (const { action, secondaryInput } of op.actions) {
    if (action.case === "mkdir" || action.case === "mkfile" || action.case === "copy") addOwner(action.value.owner, add);
    if (action.case === "copy") add(Number(secondaryInput), selectionOf(action.value));
  }
  return selections;
}

/** The paths that a step names of each input that counts by its content, as a person would write them; none for what counts whole. */
export function usedPaths({ op }: LlbVertex["op"], inputCount: number): ReadonlyArray<readonly string[]> {
  if (op.case === "file") return fileOpSelectors(op.value, inputCount).map((selections) => (selections ?? []).map(({ path }) => relative(path)));
  if (op.case !== "exec") return [];
  const { mounts } = op.value;
  return Array.from({ length: inputCount }, (_, input) => mounts.filter((mount) => Number(mount.input) === input).map(({ selector }) => relative(selector)));
}

function relative(path: string): string {
  return path.replace(/^\/+/, "") || ".";
}

function selectionOf({ src, allowWildcard, followSymlink, includePatterns, excludePatterns, requiredPaths }: FileActionCopy): ContentSelection {
  return { path: src, wildcard: allowWildcard && hasWildcards(src), followLinks: followSymlink, includePatterns, excludePatterns, requiredPaths };
}

function addOwner(owner: ChownOpt | undefined, add: (input: number, selection: ContentSelection) => void): void {
  const options = [["/etc/passwd", owner?.user], ["/etc/group", owner?.group]] as const;
  for (const [path, option] of options) {
    if (option?.user.case === "byName") add(Number(option.user.value.input), plainSelection(path, true));
  }
}

function plainSelection(path: string, followLinks: boolean): ContentSelection {
  return { path, followLinks, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [] };
}

/** In the order of the paths; a plain path below another of its kind adds nothing. */
export function deduplicated(selections: readonly ContentSelection[]): readonly ContentSelection[] {
  const plain = [false, true].flatMap((followLinks) => {
    const paths = selections.filter((each) => !hasPatterns(each) && each.followLinks === followLinks).map(({ path }) => path);
    const all = new Set(paths);
    return [...all].filter((path) => ![...all].some((other) => other !== path && path.startsWith(other === "/" ? "/" : `${other}/`))).map((path) => plainSelection(path, followLinks));
  });
  return [...plain, ...selections.filter(hasPatterns)].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
