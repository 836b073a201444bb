import type { Entry } from "../archive/entry.ts";
import { joinPath } from "../archive/entry-path.ts";
import type { Member } from "../archive/member.ts";
import { compareNames } from "../archive/path-bytes.ts";
import { bytesOf } from "../content/bytes.ts";
import { unsaidMember } from "./layer.ts";
import type { Place } from "./tree-place.ts";
import type { TreeView } from "./tree-view.ts";

/** The one extended attribute that BuildKit compares, being the one that its layers carry. */
const CAPABILITY = "security.capability";

const SECOND_NS = 1_000_000_000n;

/**
 * What must be laid over `base` to get `changed`, as the members of a layer, in the order and with
 * the choice that BuildKit's overlay differ makes: directories count as changed by owner and mode
 * only, files by size and time as well (and by content where both times are whole seconds, which
 * may have been cut), and each change comes after the directories that it lies in. Nothing is opaque.
 * Directories of which only the time is another come as unsaid.
 */
export async function* diffTrees(base: TreeView, changed: TreeView, signal: AbortSignal): AsyncIterable<Member> {
  const diff = new Diff(signal);
  for await (const place of diff.below(base.root, changed.root, [])) yield await memberOf(place, diff, signal);
}

/** One line of a diff: a place of the changed tree, a directory of which only the time is another, or a path that is there no more. */
type Change = { readonly kind: "gone"; readonly path: string } | { readonly kind: "present" | "touched"; readonly place: Place; readonly path: string };

class Diff {
  readonly #signal: AbortSignal;
  readonly #written: Set<string> = new Set();
  readonly #touched: Set<string> = new Set();
  /** First name of each file; its other names become hard links to it. */
  readonly #names: Map<object, string> = new Map();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async *below(before: Place | undefined, after: Place, parents: readonly Change[]): AsyncIterable<Change> {
    const names = new Set([...(before?.children?.keys() ?? []), ...(after.children?.keys() ?? [])]);
    const directory = parents.at(-1)?.path ?? "";
    for (const name of Array.from(names).sort(compareNames)) {
      const old = before?.children?.get(name);
      const now = after.children?.get(name);
      // Trees share what nobody touched.
      if (old === now) continue;
      const path = joinPath(directory, name);
      if (now === undefined) {
        yield* this.#record({ kind: "gone", path }, parents);
        continue;
      }
      const change: Change = { kind: "present", place: now, path };
      if (old === undefined || !(await this.#isSame(old, now))) yield* this.#record(change, parents);
      if (now.children === undefined) continue;
      yield* this.below(old, now, [...parents, change]);
      if (old?.entry.mtimeNs !== now.entry.mtimeNs) yield* this.#touch([...parents, change]);
    }
  }

  /** The path of the file that this is another name of; undefined for the first name. */
  linkTarget(place: Place, path: string): string | undefined {
    const first = this.#names.get(place.identity);
    if (first === undefined) this.#names.set(place.identity, path);
    return first;
  }

  *#record(change: Change, parents: readonly Change[]): Iterable<Change> {
    for (const each of [...parents, change]) {
      if (each.kind === "present" && this.#written.has(each.path)) continue;
      this.#written.add(each.path);
      yield each;
    }
  }

  /** After what it lies in, like all that a layer holds. */
  *#touch(path: readonly Change[]): Iterable<Change> {
    for (const each of path) {
      if (each.kind === "gone" || this.#written.has(each.path) || this.#touched.has(each.path)) continue;
      this.#touched.add(each.path);
      yield { ...each, kind: "touched" };
    }
  }

  async #isSame(old: Place, now: Place): Promise<boolean> {
    const a = old.entry;
    const b = now.entry;
    if (a.kind !== b.kind || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
    if (a.device?.major !== b.device?.major || a.device?.minor !== b.device?.minor) return false;
    if (!isEqual(a.xattrs?.get(CAPABILITY), b.xattrs?.get(CAPABILITY))) return false;
    if (a.kind === "directory") return true;
    if (sizeOf(a) !== sizeOf(b) || a.mtimeNs !== b.mtimeNs) return false;
    if (a.mtimeNs % SECOND_NS !== 0n) return true;
    if (a.kind === "symlink") return a.linkname === b.linkname;
    if (a.kind !== "file" || old.stored === now.stored || a.sizeBytes === 0) return true;
    const [oldDigest, nowDigest] = await Promise.all([
      old.layer.contentDigest(old.stored, this.#signal),
      now.layer.contentDigest(now.stored, this.#signal),
    ]);
    return oldDigest === nowDigest;
  }
}

async function memberOf(change: Change, diff: Diff, signal: AbortSignal): Promise<Member> {
  if (change.kind === "gone") {
    return { entry: { path: change.path, kind: "whiteout", mode: 0, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0 }, content: bytesOf() };
  }
  const { place, path } = change;
  const entry = { ...place.entry, path };
  if (change.kind === "touched") return unsaidMember(entry);
  if (entry.kind === "directory") return { entry, content: bytesOf() };
  const target = diff.linkTarget(place, path);
  if (target !== undefined) return { entry: { ...withoutContent(entry), kind: "hardlink", linkname: target }, content: bytesOf() };
  if (entry.kind !== "file") return { entry, content: bytesOf() };
  const { layer, stored } = place;
  return { entry, ...((await layer.pass?.(stored, signal)) ?? { content: layer.read(stored, signal) }) };
}

function withoutContent({ device: _device, ...entry }: Entry): Entry {
  return { ...entry, sizeBytes: 0 };
}

function sizeOf(entry: Entry): number {
  return entry.kind === "symlink" ? Buffer.byteLength(entry.linkname ?? "") : entry.sizeBytes;
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}
